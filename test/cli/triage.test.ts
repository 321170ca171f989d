import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { keys, LiveTerminal, type TerminalSize } from './live-terminal.ts';
import { controlsIn, withoutTerminal } from './terminal.ts';
import { incident, namesIn } from './triage.ts';
import { workplace, type Workplace } from './workplace.ts';

const context = 'local:shop.db';
const usual = { columns: 80, rows: 24 };
const skip = withoutTerminal;

interface Incident {
  readonly shop: Workplace;
  readonly origin: string;
  readonly deadLetters: string;
  /** Opens the screen on it. */
  readonly triage: (size: TerminalSize, environment?: Readonly<Record<string, string>>) => LiveTerminal;
  readonly left: () => Promise<string[]>;
  readonly back: () => Promise<string[]>;
}

async function begin(t: TestContext): Promise<Incident> {
  const shop = await workplace(t, context);
  const origin = await shop.channel();
  const deadLetters = await shop.channel();
  await incident(shop, deadLetters, origin);
  const values = async (channel: string): Promise<string[]> =>
    namesIn((await shop.done(['consume', channel, '-o', 'ndjson'])).stdout);
  return {
    shop,
    origin,
    deadLetters,
    triage: (size, environment) =>
      new LiveTerminal(t, ['dlq', 'triage', deadLetters, '-c', context], shop.folder, size, environment),
    left: () => values(deadLetters),
    back: () => values(origin),
  };
}

/** Nothing of what was looked at was obeyed, and the usual screen is back. */
function assertClean(screen: LiveTerminal): void {
  assert.ok(!screen.shown.includes('\u001b]0;'), 'no title was set');
  assert.ok(screen.shown.lastIndexOf('\u001b[?1049l') > screen.shown.lastIndexOf('\u001b[?1049h'));
}

describe('dlq triage on a terminal', { skip }, () => {
  test('what is marked is planned, shown, confirmed, moved, and said as commands', async (t) => {
    const { shop, triage, left, back } = await begin(t);
    const screen = triage(usual);
    await screen.sees(/> +3 +SocketTimeoutException: timed[^]*message: timed out \\x1b\]/);
    screen.press(keys.enter);
    await screen.sees(/>.*0:0/);
    screen.press(`${keys.down}r`);
    await screen.sees(/>R +0:1/);
    screen.press(`e`);
    await screen.sees(/edit PATH=VALUE/);
    screen.press(`value.name=mended${keys.enter}`);
    await screen.sees(/redrive with value\.name=mended/);
    screen.press(`${keys.down}s`);
    await screen.sees(/>S +0:3/);
    screen.press('c');
    await screen.sees(/\/value\/name: "two" → "mended"/);
    assert.deepEqual((await left()).length, 4, 'nothing has happened yet');
    screen.press('y');
    assert.equal(await screen.end(), 0, screen.shown);
    assert.match(screen.said, /moved +1\r?\n/);
    assert.match(screen.said, /mqctl dlq redrive \S+ --apply \S+plan/);
    assert.deepEqual(await back(), ['mended']);
    assert.deepEqual(await left(), ['one', 'broken', 'three']);
    const { stdout } = await shop.done(['jobs', 'ls', '-o', 'json']);
    assert.match(stdout.toString(), /"state":"done"/);
    assertClean(screen);
  });

  test('what is marked for the archive is copied into a file that is whole, and stays', async (t) => {
    const { shop, deadLetters, left } = await begin(t);
    const words = ['dlq', 'triage', deadLetters, '--archive-file', 'kept.ndjson', '-c', context];
    const screen = new LiveTerminal(t, words, shop.folder, usual);
    await screen.sees(/2 causes/);
    screen.press('a');
    await screen.sees(/>A/);
    screen.press(`${keys.down}x`);
    await screen.sees(/>Q/);
    screen.press('c');
    await screen.sees(/3 are copied to kept\.ndjson/);
    assert.match(screen.frame.join('\n'), /there is no "\S+\.quarantine"/);
    screen.press('y');
    assert.equal(await screen.end(), 1, 'the one that was to be put aside could not be');
    assert.equal((await left()).length, 4);
    const copy = await shop.channel();
    await shop.done(['dlq', 'restore', copy, '--file', 'kept.ndjson', '--yes']);
    const restored = await shop.done(['consume', copy, '-o', 'ndjson']);
    assert.deepEqual(namesIn(restored.stdout), ['one', 'two', 'three']);
  });

  test('a plan that is not confirmed leaves everything as it was, and leaving with marks asks', async (t) => {
    const { shop, triage, left } = await begin(t);
    const screen = triage(usual);
    await screen.sees(/2 causes/);
    screen.press('r');
    await screen.sees(/marked: 3 redrive|redrive: 3/);
    screen.press('c');
    await screen.sees(/do it\? y\/N/);
    screen.press('n');
    await screen.sees(/q quit/);
    screen.press('q');
    await screen.sees(/forget what is marked/);
    screen.press('y');
    assert.equal(await screen.end(), 0);
    assert.match(screen.said, /nothing was done/);
    assert.match(screen.said, /mqctl dlq redrive \S+ --cause [0-9a-f]{12}/);
    assert.equal((await left()).length, 4);
    assert.match((await shop.done(['jobs', 'ls', '-o', 'json'])).stdout.toString(), /"jobs":\[\]/);
    assertClean(screen);
  });

  test('Ctrl-C with a plan on the screen is 130, and nothing of it is left', async (t) => {
    const { shop, triage, left } = await begin(t);
    const screen = triage(usual);
    await screen.sees(/2 causes/);
    screen.press('r');
    screen.press('c');
    await screen.sees(/do it\? y\/N/);
    screen.press(keys.interrupt);
    assert.equal(await screen.end(), 130);
    assert.equal((await left()).length, 4);
    assert.match((await shop.done(['jobs', 'ls', '-o', 'json'])).stdout.toString(), /"jobs":\[\]/);
    assertClean(screen);
  });

  test('it fits a narrow terminal and follows its size; without colour it writes none', async (t) => {
    const { triage } = await begin(t);
    const screen = triage({ columns: 40, rows: 10 }, { NO_COLOR: '1' });
    await screen.sees(/^ *> +3 +SocketTime/m);
    await screen.fits({ columns: 40, rows: 10 });
    screen.resize(usual);
    await screen.sees(/│ cause: [0-9a-f]{12}/);
    await screen.fits(usual);
    screen.press('v');
    await screen.sees(/"note": "日本語 😀 \\u001b\[2J"/);
    screen.press(keys.tab);
    await screen.sees(/headers\.x-exception-message: timed out \\x1b\]0;owned\\x07/);
    await screen.fits(usual);
    screen.press(keys.escape);
    await screen.sees(/q quit/);
    screen.press('/broken');
    await screen.sees(/1 of 4 dead letters/);
    screen.resize({ columns: 30, rows: 8 });
    await screen.fits({ columns: 30, rows: 8 });
    await screen.sees(/> +1 +JsonParseExc/);
    screen.press(keys.enter);
    screen.press('?');
    await screen.sees(/Mark what is to be done/);
    screen.press('x');
    await screen.sees(/JsonParseExc/);
    screen.press('q');
    assert.equal(await screen.end(), 0);
    assert.doesNotMatch(screen.shown, /\u001b\[[0-9;]*m/, 'no colour');
    assert.deepEqual(controlsIn(Buffer.from(screen.frame.join('\n')).toString('latin1')), []);
    assertClean(screen);
  });

  test('an empty channel says so and opens no screen', async (t) => {
    const { shop, origin } = await begin(t);
    const screen = new LiveTerminal(t, ['dlq', 'triage', origin, '-c', context], shop.folder, usual);
    assert.equal(await screen.end(), 0);
    assert.match(screen.said, /no dead letter to decide on/);
    assert.ok(!screen.shown.includes('\u001b[?1049h'));
  });
});

test('without a terminal it is exit 2 and names the commands for a script', async (t) => {
  const { shop, deadLetters } = await begin(t);
  const { code, stderr, stdout } = await shop.run(['dlq', 'triage', deadLetters]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /no terminal; in a script: mqctl dlq groups \S+ -c local:shop\.db, then mqctl dlq redrive/,
  );
  assert.equal(stdout.length, 0);
});
