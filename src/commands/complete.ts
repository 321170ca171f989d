import { Args } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { complete, type DynamicKind } from '../lib/completion/candidates.ts';
import { visible } from '../lib/output/sanitise.ts';

/** Completion that is late is no completion. */
const patienceMs = 300;

export default class Complete extends BaseCommand<typeof Complete> {
  static override hidden = true;
  static override strict = false;
  static override summary = 'What could come next: value and description, one a line (for the shell)';
  static override args = {
    words: Args.string({ ignoreStdin: true, description: 'the words after mqctl, up to the cursor' }),
  };

  async run(): Promise<void> {
    const { candidates, dynamic, context } = complete(this.config.commands, this.words);
    const lines = candidates.map(({ value, description }) => `${value}\t${firstLine(description)}`);
    const start = this.words.at(-1) ?? '';
    const names = dynamic === null ? [] : await this.#names(dynamic, context);
    // A name with a control character cannot be typed, and must not reach the terminal.
    lines.push(
      ...names.filter((name) => name.startsWith(start) && visible(name) === name).map((name) => `${name}\t`),
    );
    if (lines.length > 0) await this.output.print(lines.join('\n'));
  }

  /** Silent: a completion that cannot be had is empty. */
  async #names(kind: DynamicKind, context: string | null): Promise<string[]> {
    const found: string[] = [];
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(patienceMs)]);
    const late = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([this.#collect(kind, context, found, signal).catch(() => undefined), late]);
    return found;
  }

  async #collect(
    kind: DynamicKind,
    context: string | null,
    found: string[],
    signal: AbortSignal,
  ): Promise<void> {
    if (kind === 'context') {
      const { knownContexts } = await import('../lib/config/contexts.ts');
      found.push(
        ...(await knownContexts({ environment: process.env, directory: process.cwd() })).byName.keys(),
      );
      return;
    }
    if (kind === 'job') return;
    const driver = await this.openForCompletion(context ?? undefined, patienceMs, signal);
    try {
      if (kind === 'group') {
        for (const { group } of (await driver.groups?.list({ match: null }, signal)) ?? []) found.push(group);
      } else {
        for await (const { channel } of driver.channels({ match: null, internal: false }, signal))
          found.push(channel);
      }
    } finally {
      await driver.close();
    }
  }
}

function firstLine(text: string): string {
  return visible(text.split('\n')[0] ?? '');
}
