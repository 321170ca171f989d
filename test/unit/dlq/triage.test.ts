import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Seen } from '../../../src/lib/dlq/decision.ts';
import type { ShelvedLetter } from '../../../src/lib/dlq/shelf.ts';
import { decideByMarks, notesOf, sameCommands, type Marked } from '../../../src/lib/dlq/triage.ts';
import { Spool, type SpoolPlace } from '../../../src/lib/store/spool.ts';
import { scratchFolder } from '../../cli/run-mqctl.ts';
import { emptyMessage } from '../message/message-samples.ts';

function letter(name: string, cause: string): ShelvedLetter {
  return {
    ...{ name, cause, at: null, key: null, words: '', preview: '', bytes: 0, redrives: 0 },
    ...{ duplicate: false, place: { start: 0, length: 0 } },
  };
}

function marked(action: Marked['action'], more: Partial<Marked> = {}): Marked {
  return { action, edits: [], note: null, ...more };
}

const seen = (name: string): Seen => ({
  ...{ message: emptyMessage, name, hash: '', cause: 'a', redrives: 0, unchanged: false },
});

const letters = [letter('0:0', 'a'), letter('0:1', 'b'), letter('0:2', 'a'), letter('0:3', 'b')];
const shown = {
  ...{ channel: 'orders.dlq', letters, filter: null, complete: true },
  ...{ archive: 'kept.ndjson', pace: [] },
};

describe('what was marked on the screen', () => {
  test('is decided by name: each mark its decision, the note its reason, and nothing for the rest', () => {
    const decide = decideByMarks(
      letters,
      new Map([
        [1, marked('redrive', { edits: ['value.total=7'] })],
        [2, marked('skip', { note: 'asked Ann' })],
        [3, marked(null, { note: 'later' })],
      ]),
    );
    assert.equal(decide(seen('0:0')), null);
    const redrive = decide(seen('0:1'));
    assert.ok(redrive?.action === 'redrive' && redrive.edit?.[0]?.path === '/value/total');
    assert.deepEqual(decide(seen('0:2')), { action: 'skip', reason: 'asked Ann' });
    assert.equal(decide(seen('0:3')), null);
  });

  test('is one reason for the job, each note once', () => {
    const note = (text: string): Marked => marked('skip', { note: text });
    assert.equal(
      notesOf(
        new Map([
          [0, note('x')],
          [1, note('y')],
          [2, note('x')],
        ]),
      ),
      'x; y',
    );
    assert.equal(notesOf(new Map([[0, marked('skip')]])), null);
  });

  test('is said as commands by cause where all of it goes, else by id; what they cannot say is told', () => {
    const back = marked('redrive');
    assert.deepEqual(
      sameCommands(
        shown,
        new Map([
          [0, back],
          [2, back],
          [3, back],
          [1, marked('skip')],
        ]),
      ),
      {
        commands: [
          ['dlq', 'redrive', 'orders.dlq', '--cause', 'a'],
          ['dlq', 'redrive', 'orders.dlq', '--id', '0:3'],
        ],
        complete: true,
      },
    );
  });

  test('is said with what is changed, put aside and copied, so that the commands do the same', () => {
    const edited = marked('redrive', { edits: ['value.total=7', 'key=k'] });
    const said = sameCommands(
      { ...shown, filter: 'value.total > 1', pace: ['--rate', '5/s'] },
      new Map([
        [0, edited],
        [1, marked('quarantine')],
        [2, marked('archive')],
        [3, marked('archive')],
      ]),
    );
    assert.equal(said.complete, true);
    const filter = ['--filter', 'value.total > 1'];
    const dlq = (verb: string, ...words: readonly string[]) => ['dlq', verb, 'orders.dlq', ...words];
    assert.deepEqual(said.commands, [
      dlq('redrive', '--id', '0:0', ...filter, '--set', 'value.total=7', '--set', 'key=k', '--rate', '5/s'),
      dlq('redrive', '--id', '0:1', ...filter, '--put-aside', '--rate', '5/s'),
      dlq('archive', '--id', '0:2', '--id', '0:3', ...filter, '--file', 'kept.ndjson'),
    ]);
  });

  test('is not said by cause where there may be more of it, nor by a name that others share', () => {
    const all = new Map(letters.map((_, at) => [at, marked('redrive')] as const));
    const partly = sameCommands({ ...shown, complete: false }, all);
    assert.ok(partly.commands.every((words) => !words.includes('--cause')));
    assert.equal(partly.complete, true);
    const equal = { ...shown, letters: [letter('same', 'a'), letter('same', 'a')] };
    assert.deepEqual(sameCommands(equal, new Map([[0, marked('redrive')]])), {
      commands: [],
      complete: false,
    });
    const many = Array.from({ length: 200 }, (_, at) => letter(at.toString(), 'a'));
    const half = new Map(Array.from({ length: 100 }, (_, at) => [at, marked('redrive')] as const));
    assert.deepEqual(sameCommands({ ...shown, letters: many }, half), { commands: [], complete: false });
  });
});

test('a spool gives back what was put in, and leaves nothing behind', async () => {
  await using folder = await scratchFolder();
  const spool = await Spool.create(folder.path);
  assert.deepEqual(await readdir(folder.path), []);
  const pieces = Array.from({ length: 300 }, (_, at) => Buffer.alloc(at * 10, at % 256));
  const places: SpoolPlace[] = [];
  for (const piece of pieces) places.push(await spool.append(piece));
  for (const at of [299, 0, 150]) {
    const place = places[at];
    assert.ok(place !== undefined);
    assert.deepEqual(await spool.read(place), pieces[at]);
  }
  await spool.close();
});
