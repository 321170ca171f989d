import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { mqctl, scratchFolder, type Ended } from './run-mqctl.ts';

/** A folder and channels for one test at one system; both are gone after it. */
export interface Workplace {
  readonly folder: string;
  /** For `-c`. */
  readonly context: string;
  /** Creates a channel with a name of its own. */
  readonly channel: (...createWords: readonly string[]) => Promise<string>;
  /** Runs the real program there. */
  readonly run: (words: readonly string[], input?: string | Uint8Array) => Promise<Ended>;
  /** Runs it, and fails where it does not exit with 0. */
  readonly done: (words: readonly string[], input?: string | Uint8Array) => Promise<Ended>;
}

export async function workplace(t: TestContext, context: string): Promise<Workplace> {
  const { path: folder, [Symbol.asyncDispose]: removeFolder } = await scratchFolder();
  const channels: string[] = [];
  const run: Workplace['run'] = (words, input = '') => mqctl([...words, '-c', context], { folder, input });
  const done: Workplace['done'] = async (words, input) => {
    const result = await run(words, input);
    assert.equal(result.code, 0, `${words.join(' ')}: ${result.stderr}`);
    return result;
  };
  t.after(async () => {
    for (const channel of channels) await run(['delete', channel, '--yes']);
    await removeFolder();
  });
  return {
    folder,
    context,
    run,
    done,
    channel: async (...createWords) => {
      const name = `cli-${randomUUID()}`;
      await done(['create', name, ...createWords]);
      channels.push(name);
      return name;
    },
  };
}
