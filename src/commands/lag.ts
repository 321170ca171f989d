import { Args, Flags } from '@oclif/core';
import { asksFor, BaseCommand } from '../lib/base.ts';
import { durationFlag, outputFlag } from '../lib/flags.ts';
import { AnswerIsNoError, PartialError, UnsupportedError, UsageError } from '../lib/errors.ts';
import type { MqctlError } from '../lib/errors.ts';
import { parsePositions } from '../lib/message/position-grammar.ts';
import { parseDuration } from '../lib/input/duration.ts';
import { withOptionalValue } from '../lib/input/optional-value.ts';
import { assertSomethingRead, readLag, type LagOptions } from '../lib/operations/lag/read-lag.ts';
import type { LagReport } from '../lib/operations/lag/report.ts';
import { lagStatuses } from '../lib/operations/lag/status.ts';
import { breaches, parseThreshold, type Breach, type Thresholds } from '../lib/operations/lag/thresholds.ts';
import { waitForLag } from '../lib/operations/lag/wait.ts';
import { breachSentence, notesOn } from '../lib/views/lag/words.ts';

const thresholdFlag = (parse: (part: string) => number, summary: string) =>
  Flags.custom({
    parse: async (text: string) => parseThreshold(text, parse),
    summary,
    helpValue: '[WARN:]CRIT',
    helpGroup: 'THRESHOLD',
  })();

const count = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`"${text}" is no whole number`);
  return Number(text);
};

const watchFlags = ['--watch', '-w'];
const usualInterval = '2s';

export default class Lag extends BaseCommand<typeof Lag> {
  static override strict = false;
  static override summary = 'How far behind are the consumers: in messages, and in time';
  static override description = `BEHIND is the age of the oldest message that a group has still to read, by the message's own time. Unknown is said, and never 0. No group is joined, nothing is committed.

Each run keeps what it saw in the state folder, so that a cron job has trends without a daemon.

STATUS, from the harmless to the worst: idle (nothing waits, nobody works), ok, unknown (too few samples yet: how many more is said), warn (it does not fall), stalled (the position stands still, commit times unknown), stall (commits come, the position stands still), stop (no commit for longer than the window), empty (messages wait and the group has no member), rewind (the position went back), losing (retention is about to remove what waits). See --explain.`;
  static override examples = [
    { description: 'Every group, the worst first', command: '<%= config.bin %> lag' },
    {
      description: 'One group by partition, with rates and a verdict from ten seconds',
      command: '<%= config.bin %> lag billing --by partition --sample 10s',
    },
    {
      description: 'For cron: exit 3 when more than five minutes behind or not going on',
      command: '<%= config.bin %> lag billing --max-age 5m --fail-on stall,stop,losing --quiet',
    },
    {
      description: 'Before a deploy: wait until nothing is left',
      command: '<%= config.bin %> lag billing --wait --max-lag 0 --wait-timeout 10m',
    },
    {
      description: 'For the textfile collector of a monitoring agent',
      command: '<%= config.bin %> lag -o openmetrics > lag.prom',
    },
    { description: 'Watch, redrawn every five seconds', command: '<%= config.bin %> lag --watch 5s' },
  ];
  static override args = {
    group: Args.string({
      ignoreStdin: true,
      description: 'groups, or queues where queues are consumed; all without',
    }),
  };
  static override flags = {
    channel: Flags.string({
      multiple: true,
      summary: 'Only this channel (repeatable)',
      helpValue: 'CHANNEL',
    }),
    from: Flags.string({
      summary: 'How far behind this position of the one --channel is, where no group has to stand',
      helpValue: 'POSITION',
      dependsOn: ['channel'],
    }),
    by: Flags.option({
      options: ['group', 'partition'] as const,
      default: 'group',
      summary: 'One row for each group or partition',
    })(),
    sample: durationFlag({
      summary: 'Look three times over so long, for rates and a status of this run alone',
    }),
    window: durationFlag({
      summary: 'How far back samples of earlier runs count',
      default: 3_600_000,
      defaultHelp: async () => '1h',
    }),
    explain: Flags.boolean({ summary: 'Show the samples and the rule that gave the status' }),
    watch: durationFlag({
      char: 'w',
      summary: `Redraw every INTERVAL (${usualInterval}) on a terminal; piped, one JSON record each`,
      helpValue: '[INTERVAL]',
    }),
    'max-lag': thresholdFlag(count, 'Exit 3 when more messages wait'),
    'max-age': thresholdFlag(parseDuration, 'Exit 3 when the oldest waits longer'),
    'max-drain': thresholdFlag(parseDuration, 'Exit 3 when working it off takes longer'),
    'fail-on': Flags.option({
      options: lagStatuses,
      multiple: true,
      delimiter: ',',
      summary: 'Exit 3 on this status (repeatable, or a list)',
      helpGroup: 'THRESHOLD',
    })(),
    wait: Flags.boolean({ summary: 'Look until nothing is over a threshold', helpGroup: 'THRESHOLD' }),
    'wait-timeout': durationFlag({
      summary: 'Exit 3 when that takes longer',
      dependsOn: ['wait'],
      helpGroup: 'THRESHOLD',
    }),
    output: outputFlag(['table', 'json', 'csv', 'ndjson', 'openmetrics', 'nagios']),
  };

  protected override async init(): Promise<void> {
    const isInterval = (word: string): boolean => /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(word);
    this.argv = withOptionalValue(this.argv, watchFlags, isInterval, usualInterval);
    await super.init();
  }

  async run(): Promise<void> {
    const thresholds = this.#thresholds();
    if (this.flags.output === 'nagios') return this.#asPlugin(thresholds);
    const read = await this.#reader();
    const { watch, output: format } = this.flags;
    if (watch !== undefined) {
      const { recordLag, watchLag } = await import('../lib/views/lag/watch.ts');
      // Watching is for a person at a terminal, unless a format for programs was asked for.
      const drawn = this.output.data.isTerminal && (format === undefined || format === 'table');
      return drawn
        ? watchLag(this.output, read, { intervalMs: watch, thresholds }, this.signal)
        : recordLag(this.output, read, watch, this.signal);
    }
    const report = await this.#report(read, thresholds);
    await this.#print(report);
    for (const note of notesOn(report)) this.output.note(note);
    this.#judge(report, breaches(report, thresholds));
  }

  /** Refuses what cannot be meant together, before anything is connected. */
  #thresholds(): Thresholds {
    const { flags } = this;
    const thresholds: Thresholds = {
      maxLag: flags['max-lag'] ?? null,
      maxAgeMs: flags['max-age'] ?? null,
      maxDrainMs: flags['max-drain'] ?? null,
      failOn: flags['fail-on'] ?? [],
    };
    const none =
      thresholds.maxLag === null &&
      thresholds.maxAgeMs === null &&
      thresholds.maxDrainMs === null &&
      thresholds.failOn.length === 0;
    if (flags.wait && none)
      throw new UsageError('--wait needs to know for what', {
        hint: 'say it with a threshold: --max-lag 0 waits until nothing is left',
      });
    if (flags.watch === undefined) return thresholds;
    const others = (['wait', 'sample', 'explain'] as const).filter(
      (name) => flags[name] !== undefined && flags[name] !== false,
    );
    if (others.length > 0) throw new UsageError(`--watch cannot be used with --${others.join(', --')}`);
    if (flags.watch <= 0) throw new UsageError('--watch: the interval must be longer than nothing');
    const format = flags.output ?? 'ndjson';
    if (format !== 'json' && format !== 'ndjson' && format !== 'table')
      throw new UsageError(`--watch cannot be printed as ${format}`, {
        hint: `run it again and again in place of --watch, or use -o ndjson`,
      });
    return thresholds;
  }

  async #reader(): Promise<(signal: AbortSignal) => Promise<LagReport>> {
    const { flags } = this;
    const from = this.#from();
    const { driver, declaration } = await this.connect({
      verb: 'lag',
      needs: ['backlog'],
      changes: false,
      check: ({ system, facets: { backlog } }) => {
        if (from !== null && backlog?.ofPositions !== true)
          throw new UnsupportedError(`${system} has not got "lag --from"`, {
            hint: 'it tells the lag of groups, or of channels: leave out --from',
          });
      },
    });
    const { stateFolder } = await this.environment();
    const subject = { backlog: driver.backlog, declaration, target: driver.target, stateFolder };
    const options = {
      names: this.words.length === 0 ? null : this.words,
      channels: flags.channel ?? null,
      from,
      sampleMs: flags.sample ?? null,
      windowMs: flags.window ?? 0,
      explain: flags.explain,
      now: Date.now,
    };
    return async (signal) => {
      const report = await readLag(subject, options, signal);
      assertSomethingRead(report);
      return report;
    };
  }

  #from(): LagOptions['from'] {
    const { from, channel = [] } = this.flags;
    if (from === undefined) return null;
    const [only, ...others] = channel;
    if (only === undefined || others.length > 0 || this.words.length > 0)
      throw new UsageError('--from is a position of one channel, in the place of a group', {
        hint: 'name that channel with --channel, and no group',
      });
    return { channel: only, positions: parsePositions(from) };
  }

  async #report(
    read: (signal: AbortSignal) => Promise<LagReport>,
    thresholds: Thresholds,
  ): Promise<LagReport> {
    if (!this.flags.wait) return read(this.signal);
    let last = '';
    const stillOver = (over: readonly Breach[]): void => {
      const text = over.map(breachSentence).join('; ');
      if (text !== last) this.output.note(`waiting: ${text}`);
      last = text;
    };
    const waiting = {
      thresholds,
      intervalMs: parseDuration(usualInterval),
      timeoutMs: this.flags['wait-timeout'] ?? null,
      now: Date.now,
      stillOver,
    };
    return waitForLag(read, waiting, this.signal);
  }

  async #print(report: LagReport): Promise<void> {
    const { output } = this;
    const { by, explain } = this.flags;
    const format = this.flags.output ?? 'table';
    if (format === 'openmetrics') {
      const { openMetrics } = await import('../lib/output/openmetrics.ts');
      const { lagGauges } = await import('../lib/views/lag/gauges.ts');
      return output.printLines(openMetrics(lagGauges(report, by)));
    }
    if (format === 'nagios') return;
    const { printGroups, printPartitions } = await import('../lib/views/lag/tables.ts');
    await (by === 'partition' ? printPartitions : printGroups)(output, format, report);
    if (!explain || format !== 'table') return;
    const { printExplanation } = await import('../lib/views/lag/explanation.ts');
    await printExplanation(output, report, by);
  }

  #judge(report: LagReport, over: readonly Breach[]): void {
    const { critical = [], warn = [] } = Object.groupBy(over, ({ level }) => level);
    if (warn.length > 0) this.output.warn(warn.map(breachSentence).join('; '));
    if (critical.length > 0) throw new AnswerIsNoError(critical.map(breachSentence).join('; '));
    const missing = [...new Set(report.groups.flatMap(({ unreachable }) => unreachable))];
    if (missing.length > 0) throw new PartialError(`not all could be told: ${missing.join('; ')}`);
  }

  /** One line and an exit code as monitoring plugins have them. */
  async #asPlugin(thresholds: Thresholds): Promise<void> {
    const { nagiosStates } = await import('../lib/output/nagios.ts');
    const { pluginLine } = await import('../lib/views/lag/plugin-line.ts');
    const report = await this.#report(await this.#reader(), thresholds);
    const { line, state } = pluginLine(report, breaches(report, thresholds), thresholds);
    await this.output.printLines(line);
    this.exit(nagiosStates.indexOf(state));
  }

  protected override async tell(error: MqctlError): Promise<number> {
    if (!asksFor(this.argv, 'nagios') || this.signal.aborted) return super.tell(error);
    const { nagiosLine, nagiosStates } = await import('../lib/output/nagios.ts');
    const { service } = await import('../lib/views/lag/plugin-line.ts');
    await this.output.printLines(nagiosLine(service, 'UNKNOWN', error.message, []));
    return nagiosStates.indexOf('UNKNOWN');
  }
}
