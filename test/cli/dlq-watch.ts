/** What the tests of `dlq watch` share: it runs, and is asked what it has said so far. */
import { once } from 'node:events';
import { eventually } from '../contract/suite/workbench.ts';
import { isObject } from './random-records.ts';
import { ended, startMqctl, type Ended } from './run-mqctl.ts';
import type { Workplace } from './workplace.ts';

export interface Watching {
  /** Resolves when it has told at least so many events of that kind; with all of them. */
  readonly told: (event: string, count: number) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ctrl-C. */
  readonly stop: () => Promise<Ended>;
}

export function watching({ folder, context }: Workplace, words: readonly string[]): Watching {
  const child = startMqctl(['dlq', 'watch', ...words, '--interval', '200ms', '-o', 'ndjson', '-c', context], {
    folder,
  });
  child.stdin?.end();
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const all = ended(child);
  const events = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line))
      .filter(isObject);
  return {
    told: async (kind, count) => {
      const ofKind = () => events().filter(({ event }) => event === kind);
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error((await all).stderr);
        if (ofKind().length < count) throw new Error(`${kind}: ${text}`);
      });
      return ofKind();
    },
    stop: async () => {
      child.kill('SIGINT');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      return all;
    },
  };
}
