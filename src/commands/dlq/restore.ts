import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, channelArgument, outputFlag, toldReasonFlag } from '../../lib/flags.ts';
import { misfit } from '../../lib/dlq/destination.ts';
import type { Publish, PublishLimits } from '../../lib/drivers/driver.ts';
import { FailedError, InterruptedError, PartialError } from '../../lib/errors.ts';
import { checkArchive, readArchive, type ArchivedMessage } from '../../lib/input/archive.ts';
import { parseRate } from '../../lib/input/rate.ts';
import type { OutgoingMessage } from '../../lib/message/message.ts';
import { produce, type ProduceFailure, type ProduceResult } from '../../lib/operations/produce.ts';
import { sizeText } from '../../lib/output/size.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countOf, countText, timeText } from '../../lib/output/time.ts';

/** More failures are counted, not listed. */
const failuresListed = 20;

interface Planned {
  readonly file: string;
  readonly messages: number;
}

export default class DlqRestore extends BaseCommand<typeof DlqRestore> {
  static override summary = 'Publish what an archive holds, exactly';
  static override description = `First the whole archive is checked, line by line: one that was changed, cut off, or that something was taken out of is refused with the line, and nothing is published. Then key, value, headers and properties of each message are published as they were, in the order of the file; --keep partition,timestamp keeps those, too. Only counters that the broker itself keeps in headers (RabbitMQ's x-delivery-count) begin anew.

A message that is not accepted is named by its line: exit 6, or 1 when none was. Restored messages are new ones: on Kafka they have new offsets, and are unresolved. Restoring twice publishes twice.`;
  static override examples = [
    {
      description: 'What would be done?',
      command: '<%= config.bin %> dlq restore orders.dlq --file orders.ndjson.zst --dry-run',
    },
    {
      description: 'Back where they were, to triage them again',
      command: '<%= config.bin %> dlq restore orders.dlq --file orders.ndjson.zst',
    },
    {
      description: 'Into a file of the embedded broker, to look at them in peace',
      command:
        '<%= config.bin %> create orders.dlq -c local:incident.db && <%= config.bin %> dlq restore orders.dlq --file orders.ndjson.zst -c local:incident.db --yes',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    file: Flags.string({
      required: true,
      multiple: true,
      summary: 'The archive (repeatable)',
      helpValue: 'F',
    }),
    keep: Flags.option({
      options: ['partition', 'timestamp'] as const,
      multiple: true,
      delimiter: ',',
      summary: 'Of each message also its partition, its timestamp',
    })(),
    rate: Flags.string({
      summary: 'At most so many: 50/s, 600/m, or max',
      helpValue: 'RATE',
      default: 'max',
    }),
    torn: Flags.boolean({
      summary: 'Take what is whole of an archive that was cut off, such as one of a purge that was killed',
    }),
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
    output: outputFlag(['table', 'json']),
  };

  /** Headers that the broker itself writes and counts in. */
  #countedByBroker: readonly string[] = [];

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const ratePerSecond = parseRate(flags.rate);
    const { driver } = await this.connect({
      verb: 'dlq restore',
      needs: ['publish'],
      changes: !flags['dry-run'],
    });
    await driver.describe(args.channel, this.signal);
    this.#countedByBroker = driver.deadLetters?.volatileHeaders ?? [];
    const limits = await driver.publish.limits(args.channel, this.signal);
    const planned: Planned[] = [];
    for (const file of flags.file) planned.push(await this.#check(file, limits));
    const total = planned.reduce((sum, { messages }) => sum + messages, 0);
    output.note(
      `${flags['dry-run'] ? 'would publish' : 'publishes'} ${countOf(total, 'message')} to "${args.channel}" at ${driver.target}`,
    );
    this.tellReason(flags.reason);
    if (flags['dry-run']) {
      if (flags.output === 'json')
        await output.printJson({ channel: args.channel, restored: 0, wouldRestore: total });
      return;
    }
    const question = `Publish ${countOf(total, 'message')} to "${args.channel}"?`;
    if (!(await this.confirm(question, { yes: flags.yes }))) {
      output.note('not restored');
      return;
    }
    await this.#restore(driver.publish, planned, total, ratePerSecond);
  }

  /** Reads the whole file, says what is in it, and what the channel would not take. */
  async #check(file: string, limits: PublishLimits): Promise<Planned> {
    let bytes = 0;
    let misfits = 0;
    const { manifest, messages } = await checkArchive(
      file,
      { acceptTorn: this.flags.torn },
      ({ line, record }) => {
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
        const reason = misfit(record, limits);
        if (reason === null) return;
        misfits += 1;
        if (misfits <= failuresListed) this.output.warn(`${file}, line ${line.toString()}: ${reason}`);
      },
    );
    const from =
      manifest === null
        ? 'it was cut off; this is what is whole'
        : `of "${manifest.channel}" at ${manifest.target}, ${timeText(manifest.madeAt)}${manifest.reason === null ? '' : `: ${manifest.reason}`}`;
    this.output.note(`${file}: ${countOf(messages, 'message')} (${sizeText(bytes)}), ${from}`);
    if (misfits > failuresListed) this.output.warn(`${countText(misfits)} of them would not be accepted`);
    return { file, messages };
  }

  async #restore(
    publish: Publish,
    planned: readonly Planned[],
    total: number,
    ratePerSecond: number | null,
  ): Promise<void> {
    const { flags, args, output } = this;
    const progress = new Progress(output, 'restored', total);
    const failures: (ProduceFailure & { readonly file: string })[] = [];
    const results: ProduceResult[] = [];
    let listed = 0;
    try {
      for (const { file } of planned) {
        const result = await produce(
          publish,
          this.#outgoing(file),
          {
            request: { channel: args.channel, delivery: 'at-least-once', compression: null },
            patienceMs: flags.timeout,
            ratePerSecond,
            onProgress: (accepted) => progress.add(accepted),
            onBlocked: (reason) => output.note(`the broker asks to wait: ${reason}`),
            onFailure: ({ line, status, reason }) => {
              listed += 1;
              const what = status === 'unknown' ? 'no answer, it may be there or not' : 'not accepted';
              if (listed <= failuresListed)
                output.note(`${file}, line ${line.toString()}: ${what}: ${reason}`);
            },
          },
          this.signal,
        );
        results.push(result);
        failures.push(...result.failures.map((failure) => ({ ...failure, file })));
        if (result.broken !== null || this.signal.aborted) break;
      }
    } finally {
      progress.finish();
    }
    if (listed > failuresListed) output.note(`and ${countText(listed - failuresListed)} more`);
    const sum = (of: (result: ProduceResult) => number): number =>
      results.reduce((all, result) => all + of(result), 0);
    const restored = sum(({ produced }) => produced);
    const failed = sum(({ failed: count }) => count);
    const unknown = sum((result) => result.unknown);
    const unsent = total - restored - failed;
    if (flags.output === 'json')
      await output.printJson({
        channel: args.channel,
        messages: total,
        restored,
        failed,
        unknown,
        unsent,
        failures,
        reason: flags.reason ?? null,
      });
    else output.note(`restored ${countText(restored)} of ${countText(total)} to "${args.channel}"`);
    if (this.signal.aborted && this.signal.reason instanceof InterruptedError) throw this.signal.reason;
    if (restored === total) return;
    const broken = results.find((result) => result.broken !== null)?.broken ?? null;
    const doubt = unknown > 0 ? `; of ${countText(unknown)} nobody knows whether they are there` : '';
    const text = `${countText(failed)} not accepted, ${countText(unsent)} not sent${doubt}${broken === null ? '' : `: ${broken.message}`}`;
    if (restored > 0)
      throw new PartialError(text, { hint: 'the lines are named above, and in failures with -o json' });
    throw new FailedError(text);
  }

  async *#outgoing(
    file: string,
  ): AsyncGenerator<readonly { readonly line: number; readonly message: OutgoingMessage }[]> {
    const keep = new Set(this.flags.keep ?? []);
    const counted = new Set(this.#countedByBroker);
    const outgoing = ({ line, record }: ArchivedMessage) => ({
      line,
      message: {
        key: record.key,
        value: record.value,
        headers: record.headers.filter(({ name }) => !counted.has(name)),
        properties: record.properties,
        partition: keep.has('partition') ? record.partition : null,
        timestamp: keep.has('timestamp') ? record.timestamp : null,
      },
    });
    for await (const batch of readArchive(file, { acceptTorn: this.flags.torn })) yield batch.map(outgoing);
  }
}
