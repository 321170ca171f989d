/** What the commands that empty a channel share: what is announced, the question, the archive, the report. */
import { Flags, type Command } from '@oclif/core';
import { BaseCommand } from './base.ts';
import { changeFlags, outputFlag } from './flags.ts';
import { purgeChannel, type PurgeRequest } from './dlq/purge.ts';
import { archiveFor, checkPurged, purgeLines } from './dlq/purge-report.ts';
import type { DeadLetterSource } from './dlq/source.ts';
import type { Declaration } from './drivers/driver.ts';
import { UnsupportedError } from './errors.ts';
import { Progress } from './output/progress.ts';
import { countOf } from './output/time.ts';

export const purgeFlags = {
  'no-archive': Flags.boolean({ summary: 'Keep no copy of what is removed' }),
  file: Flags.string({
    summary: 'Where the archive goes: a new file, compressed as its name ends (.zst, .gz)',
    exclusive: ['no-archive'],
    helpValue: 'F',
  }),
  yes: changeFlags.yes,
  'dry-run': changeFlags['dry-run'],
  reason: Flags.string({
    summary: 'Why: told with what is done, and kept in the archive',
    helpGroup: 'CHANGE',
    helpValue: 'TEXT',
  }),
  output: outputFlag(['table', 'json']),
};

/** What `purgeFlags` say. */
export interface PurgeChoice {
  readonly 'no-archive': boolean;
  readonly file: string | undefined;
  readonly yes: boolean;
  readonly 'dry-run': boolean;
  readonly reason: string | undefined;
  readonly output: 'table' | 'json' | undefined;
}

/** What a channel holds, and how much of it goes. */
export interface PurgePlan extends Pick<PurgeRequest, 'channel' | 'what'> {
  /** `message`, `dead letter`. */
  readonly noun: string;
  /** null: the system does not say how many. */
  readonly removes: number | null;
}

export abstract class PurgeCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Throws `UnsupportedError` where nothing can be removed by itself. */
  protected checkPurges(verb: string, { system, facets: { admin } }: Declaration): void {
    if (admin?.purge === false) throw new UnsupportedError(`${system} has not got "${verb}"`);
  }

  /** What would be removed, or is; `from` names the channel as this system calls it, and the place. */
  protected announce({ noun, removes }: PurgePlan, from: string, choice: PurgeChoice): void {
    const verb = choice['dry-run'] ? 'would remove' : 'removes';
    const copy = choice['no-archive'] ? ', and keep no copy' : '';
    this.output.note(`${verb} ${countOf(removes, noun)} from ${from}${copy}`);
    this.tellReason(choice.reason);
  }

  /** That nothing is removed now, for whoever asked for JSON. */
  protected async printUntouched({ channel, removes }: PurgePlan, { output }: PurgeChoice): Promise<void> {
    if (output === 'json') await this.output.printJson({ channel, removed: 0, wouldRemove: removes });
  }

  /** Asks for the channel's name, since nothing brings back what is removed. */
  protected async agreeToPurge({ channel }: PurgePlan, { yes }: PurgeChoice): Promise<boolean> {
    const agreed = await this.confirmByName('removing them', channel, { yes });
    if (!agreed) this.output.note('not purged');
    return agreed;
  }

  /**
   * Removes, and tells what was removed. `lost` ends it, where the lease under which it is done may be lost. Throws what
   * the driver throws, and `PartialError` where some may still be there.
   */
  protected async purge(
    source: DeadLetterSource,
    { channel, what, noun, removes }: PurgePlan,
    choice: PurgeChoice,
    lost: AbortSignal | null,
  ): Promise<void> {
    const { output } = this;
    const ending = lost === null ? this.signal : AbortSignal.any([this.signal, lost]);
    const { stateFolder } = await this.environment();
    const progress = new Progress(output, `${noun}s`, removes);
    const archive = choice['no-archive'] ? null : archiveFor(stateFolder, channel, choice.file);
    const onProgress = (count: number): void => progress.add(count);
    const reason = choice.reason ?? null;
    const request = { channel, archive, what, reason, onProgress };
    const result = await purgeChannel(source, request, ending).finally(() => progress.finish());
    const restore = (file: string): string => this.nextCommand('dlq', 'restore', channel, '--file', file);
    if (choice.output === 'json') await output.printJson({ channel, ...result, reason });
    else for (const line of purgeLines(channel, result, restore)) output.note(line);
    ending.throwIfAborted();
    checkPurged(result);
  }
}
