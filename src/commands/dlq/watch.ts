import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { acceptCostFlag, changeFlags, durationFlag, outputFlag } from '../../lib/flags.ts';
import { realClock } from '../../lib/dlq/clock.ts';
import { endWords, succeeded } from '../../lib/dlq/command-end.ts';
import type { Inspected } from '../../lib/dlq/inspect.ts';
import { watchDeadLetters, type WatchEvent } from '../../lib/dlq/watch.ts';
import { PartialError, UnsupportedError, UsageError } from '../../lib/errors.ts';
import { recordLine } from '../../lib/message/record.ts';
import { lookCostText } from '../../lib/output/look-cost.ts';
import { passTalkThrough } from '../../lib/output/pass-through.ts';
import { visible, visibleJson } from '../../lib/output/sanitise.ts';
import { countOf, countText, rateText, timeText } from '../../lib/output/time.ts';

const formats = ['lines', 'ndjson'] as const;
const defaultIntervalMs = 5_000;
/** A notification that takes longer hangs. */
const execTimeoutMs = 60_000;

export default class DlqWatch extends BaseCommand<typeof DlqWatch> {
  static override strict = false;
  static override summary = 'Watch dead letters arrive: how fast, and new causes as they appear';
  static override description = `Nothing is taken. Where a look is free, each arrival is read as it comes; a cause is new when the latest thousand dead letters have not got it. Where a look costs something (a RabbitMQ queue counts a delivery) the depth is watched, and up to ten messages are looked at, a few times, while no more wait: each look is said.

--exec runs CMD by sh at each new cause: the message's record on stdin; MQCTL_CAUSE, MQCTL_CLASS, MQCTL_MESSAGE, and MQCTL_CHANNEL, _KEY, _OFFSET and others of the message in the environment. What it writes is shown on stderr; that it fails is said, and does not end the watching.

Lines tell what changed; -o ndjson has an event for each interval, each new cause and each channel that is not there (interval, new-cause, missing). Ends at Ctrl-C (exit 130) or after --for (exit 0). Of several channels, one that is not there is named and the others are watched; then --for ends with 6.`;
  static override examples = [
    { description: 'Until Ctrl-C', command: '<%= config.bin %> dlq watch orders.dlq payments.dlq' },
    {
      description: 'Tell someone of each new cause',
      command: `<%= config.bin %> dlq watch orders.dlq --exec 'notify-send "$MQCTL_CHANNEL: $MQCTL_CLASS"'`,
    },
    {
      description: 'NATS keeps no dead letters: have the advisories of what died captured',
      command: '<%= config.bin %> dlq watch --install -c nats://localhost:4222',
    },
    {
      description: 'What came within ten minutes, for a script',
      command: `<%= config.bin %> dlq watch orders.dlq --for 10m -o ndjson | jq 'select(.event == "new-cause")'`,
    },
  ];
  static override args = {
    channel: Args.string({ ignoreStdin: true, description: 'one or more channels' }),
  };
  static override flags = {
    interval: durationFlag({
      summary: 'How often the rate is told',
      default: defaultIntervalMs,
      defaultHelp: async () => '5s',
    }),
    for: durationFlag({ summary: 'Stop after that time' }),
    install: Flags.boolean({
      summary: 'Make what captures dead letters where the system itself keeps none: shown first, and asked',
      exclusive: ['exec', 'for', 'interval'],
    }),
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: Flags.string({
      summary: 'Why it is made: told with --install',
      dependsOn: ['install'],
      helpGroup: 'CHANGE',
      helpValue: 'TEXT',
    }),
    exec: Flags.string({ summary: 'Run this at each new cause', helpValue: 'CMD' }),
    'accept-cost': acceptCostFlag('COST'),
    output: outputFlag(formats, 'lines (default on a terminal) or ndjson (default when piped)'),
  };

  /** By channel, as it was told last. */
  readonly #depths = new Map<string, number | null>();

  async run(): Promise<void> {
    const { flags, output } = this;
    if (flags.install) {
      await this.#install();
      return;
    }
    if (this.words.length === 0)
      throw new UsageError('which dead letters?', { hint: 'name channels: mqctl dlq ls shows them' });
    if (flags.interval === 0) throw new UsageError('--interval must be more than nothing');
    const { driver, declaration, context } = await this.connect({
      verb: flags.exec === undefined ? 'dlq watch' : 'dlq watch --exec',
      needs: ['look', 'deadLetters'],
      changes: flags.exec !== undefined,
    });
    const exec =
      flags.exec === undefined
        ? null
        : await this.#executor(flags.exec, await this.childEnvironment(context));
    const ndjson = (flags.output ?? (output.data.isTerminal ? 'lines' : 'ndjson')) === 'ndjson';
    const ended = flags.for === undefined ? [] : [AbortSignal.timeout(flags.for)];
    const channels = [...new Set(this.words)];
    if (output.talk.isTerminal)
      output.note(`watching ${channels.join(', ')} at ${driver.target}; Ctrl-C ends`);
    const missing = await watchDeadLetters(
      { driver, declaration },
      { channels, intervalMs: flags.interval, mayLook: !context.readOnly || flags['accept-cost'] },
      realClock,
      async (event) => {
        if (event.event === 'missing') {
          output.warn(`${event.text}: the others are watched`);
          if (ndjson) await this.#record(event);
        } else if (event.event === 'note') output.note(`${event.channel}: ${event.text}`);
        else if (event.event === 'looked')
          output.note(
            `${event.channel}: ${lookCostText({ ...event.report, waiting: event.waiting, consumers: 0, deliveryLimit: null })}`,
          );
        else await (ndjson ? this.#record(event) : this.#line(event));
        if (event.event === 'new-cause') await exec?.(event.inspected);
      },
      AbortSignal.any([this.signal, ...ended]),
    );
    await output.data.flush();
    this.signal.throwIfAborted();
    if (missing.length > 0)
      throw new PartialError(`not watched, since they are not there: ${missing.join(', ')}`, {
        hint: 'mqctl dlq ls shows what there is',
      });
  }

  /** Shows what would be made, asks, makes it. */
  async #install(): Promise<void> {
    const { flags, output } = this;
    const { driver, declaration } = await this.connect({
      verb: 'dlq watch --install',
      needs: ['deadLetters'],
      changes: !flags['dry-run'],
      check: ({ system, facets: { deadLetters } }) => {
        if (deadLetters?.capture !== true)
          throw new UnsupportedError(`${system} has not got "dlq watch --install"`, {
            hint: 'it keeps dead letters itself, as each channel is set up: nothing has to capture them',
          });
      },
    });
    const { capture } = driver.deadLetters;
    if (capture === undefined) throw new UnsupportedError(`${declaration.system} captures nothing`);
    const missing = await capture.missing(this.signal);
    if (missing === null) {
      output.note(`${driver.target} captures dead letters already: mqctl dlq ls shows them`);
      return;
    }
    output.note(`${flags['dry-run'] ? 'would make' : 'makes'}, at ${driver.target}:`);
    for (const line of missing) output.note(`  ${line}`);
    this.tellReason(flags.reason);
    if (flags['dry-run']) return;
    if (!(await this.confirm('Make it?', { yes: flags.yes }))) {
      output.note('nothing was made');
      return;
    }
    await capture.install(this.signal);
    output.note('made: what dies from now on is shown by mqctl dlq ls');
  }

  async #record(event: Extract<WatchEvent, { event: 'interval' | 'new-cause' | 'missing' }>): Promise<void> {
    const { data } = this.output;
    const at = timeText(Date.now());
    const record = event.event === 'new-cause' ? newCauseRecord(at, event) : { at, ...event };
    const text = `${JSON.stringify(record)}\n`;
    await data.write(data.isTerminal ? visibleJson(text) : text);
  }

  async #line(event: Extract<WatchEvent, { event: 'interval' | 'new-cause' }>): Promise<void> {
    const { output } = this;
    const time = output.colour.dim(timeText(Date.now()).slice(11, 19));
    const channel = visible(event.channel);
    if (event.event === 'interval') {
      const { arrived, ratePerMinute, depth } = event;
      // A screen is not filled with what stays as it was.
      if (arrived === 0 && this.#depths.get(event.channel) === depth) return;
      this.#depths.set(event.channel, depth);
      const came = arrived === 0 ? 'none came' : `${countText(arrived)} came, ${rateText(ratePerMinute)}`;
      return output.print(`${time}  ${channel}  ${came}, ${countOf(depth, 'waits', 'wait')}`);
    }
    const { fingerprint, message, name } = event.inspected;
    const words = [fingerprint.parts.class, message.deadLetter?.message ?? message.deadLetter?.reason];
    const said = words.filter((word) => word !== null && word !== undefined && word !== '');
    const text = said.length === 0 ? (fingerprint.parts.seen ?? '') : said.join(': ');
    await output.print(
      `${time}  ${channel}  ${output.colour.red('new cause')} ${fingerprint.id}  ${visible(text.slice(0, 500))}  (${visible(name)})`,
    );
  }

  async #executor(
    command: string,
    environment: NodeJS.ProcessEnv,
  ): Promise<(inspected: Inspected) => Promise<void>> {
    const { runCommand } = await import('../../lib/operations/run-command.ts');
    const { messageEnvironment } = await import('../../lib/operations/message-environment.ts');
    const show = passTalkThrough(this.output.talk);
    return async ({ message, fingerprint }) => {
      const { class: exception, message: words, seen } = fingerprint.parts;
      const about = messageEnvironment(message, { attempt: 1, maxAttempts: 1, group: null });
      const end = await runCommand({
        command,
        input: Buffer.from(`${recordLine(message)}\n`),
        environment: {
          ...environment,
          ...about,
          MQCTL_CAUSE: fingerprint.id,
          MQCTL_CLASS: forVariable(exception ?? ''),
          MQCTL_MESSAGE: forVariable(words ?? seen ?? ''),
        },
        timeoutMs: execTimeoutMs,
        onOutput: show,
        onErrorOutput: show,
      });
      if (!succeeded(end)) this.output.warn(`--exec: ${endWords(end)}`);
    };
  }
}

/** A variable cannot hold a zero byte, nor be without end. */
function forVariable(text: string): string {
  return text.replaceAll('\0', '').slice(0, 4_000);
}

function newCauseRecord(at: string, { channel, inspected }: Extract<WatchEvent, { event: 'new-cause' }>) {
  const { fingerprint, message, name } = inspected;
  const { class: exception, message: masked, seen } = fingerprint.parts;
  return {
    at,
    event: 'new-cause',
    channel,
    cause: fingerprint.id,
    class: exception,
    message: masked ?? seen,
    consumer: message.deadLetter?.consumer ?? null,
    sample: name,
  };
}
