/** A consumer that is not mended gives up what is sent back to it, at any system. */
import assert from 'node:assert/strict';
import { ended, mqctl, startMqctl } from './run-mqctl.ts';
import type { Workplace } from './workplace.ts';

/** More than go without a ramp. */
const messages = 21;

/** `taking`: the words with which a consumer takes from a channel. Resolves with the report. */
export async function stopsWhereTheyComeBack(
  { folder, context, channel, done }: Workplace,
  taking: readonly string[],
): Promise<unknown> {
  const [orders, dead] = [await channel(), await channel()];
  const values = Array.from({ length: messages }, (_, at) => `order ${at.toString()}`);
  await done(['produce', orders], values.join('\n'));
  const broken = startMqctl(
    [
      ...['consume', orders, ...taking, '--follow', '--exec', 'echo no price >&2; exit 7'],
      ...['--max-attempts', '1', '--no-breaker', '--dead-letter', dead, '-c', context],
    ],
    { folder },
  );
  broken.stdin?.end();
  const consuming = ended(broken);
  try {
    const depth = async (): Promise<unknown> => {
      const { stdout } = await done(['dlq', 'ls', '--match', dead, '-o', 'json']);
      const document: unknown = JSON.parse(stdout.toString());
      return document;
    };
    while (
      broken.exitCode === null &&
      !JSON.stringify(await depth()).includes(`"depth":${messages.toString()},`)
    );
    const redrive = ['dlq', 'redrive', dead, '--all', '--yes', '--canary-wait', '8s', '-o', 'json'];
    const { code, stdout, stderr } = await mqctl([...redrive, '-c', context], { folder });
    assert.equal(code, 6, stderr);
    assert.match(stderr, /came back while the first ones were watched/);
    const report: unknown = JSON.parse(stdout.toString());
    // One is the first step of the ramp: no more than that was sent.
    assert.partialDeepStrictEqual(report, { state: 'stopped', moved: 1, remaining: messages - 1 });
    return report;
  } finally {
    broken.kill('SIGINT');
    const end = await consuming;
    assert.equal(end.code, 130, end.stderr);
  }
}
