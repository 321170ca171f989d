import { Flags } from '@oclif/core';
import { channelArgument, countFlag } from '../lib/flags.ts';
import { realClock } from '../lib/dlq/clock.ts';
import type { Filter } from '../lib/filter/filter.ts';
import { UsageError } from '../lib/errors.ts';
import { parseRate } from '../lib/input/rate.ts';
import { parsePositions } from '../lib/message/position-grammar.ts';
import { planReset } from '../lib/operations/change-positions.ts';
import { refuseFuture, targetsOf } from '../lib/operations/position-scope.ts';
import { Progress } from '../lib/output/progress.ts';
import { countOf, countText, timeText } from '../lib/output/time.ts';
import { PositionCommand, positionFlags } from '../lib/position-command.ts';
import { parseDestination } from '../lib/replay/named-destination.ts';
import {
  isSameChannel,
  keepReplay,
  planReplay,
  requireHistory,
  type ReplayEnd,
} from '../lib/replay/plan-replay.ts';
import { reopenReplay, runReplay } from '../lib/replay/run-replay.ts';
import { replayPlanRecord, tellReplayPlan } from '../lib/views/replay/plan.ts';
import { printReplayReport, unpublished } from '../lib/views/replay/report.ts';

const defaultInFlight = 500;

export default class Replay extends PositionCommand<typeof Replay> {
  static override summary =
    'Read history again: --group makes a group read it again, --to publishes it again elsewhere';
  static override description = `With --group nothing is published: the group is put back to where --from says, and its consumers read on from there. Plan, guard and undo are those of offsets reset.

With --to the messages from --from to --until (the end as it is now) are published once more, to a channel of this context or of another (CHANNEL@CONTEXT): key, value, headers and properties byte for byte, in the order of each partition. The range is frozen before, read once for the plan, and every step is in a journal: what was interrupted goes on with --resume, and what a crash leaves in doubt is published again and named. At least once, then.

What the destination's system has not got (keys on RabbitMQ, say) is left out and told in the plan and the report.`;
  static override examples = [
    {
      description: 'billing reads the last hour again',
      command: '<%= config.bin %> replay orders --group billing --from @-1h --yes',
    },
    {
      description: 'A day of orders into a topic to try a new consumer on',
      command:
        '<%= config.bin %> replay orders --from @2026-11-20 --until @2026-11-21 --to orders.try --rate 500/s',
    },
    {
      description: 'From an archive on this machine to production, with times as they were',
      command: '<%= config.bin %> replay orders -c local:archive.db --to orders@prod --keep timestamp',
    },
    {
      description: 'Go on after an interruption',
      command: '<%= config.bin %> replay orders --resume last',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    group: Flags.string({
      char: 'g',
      summary: 'This group reads again; nothing is published',
      helpValue: 'GROUP',
      exclusive: ['to', 'resume'],
      helpGroup: 'WHO',
    }),
    to: Flags.string({
      summary: 'Publish again to this channel',
      helpValue: 'CHANNEL[@CONTEXT]',
      helpGroup: 'WHO',
    }),
    resume: Flags.string({
      summary: 'Go on with that job, or with the last one of this channel',
      helpValue: 'ID|last',
      exclusive: ['from', 'until', 'filter', 'partition', 'keep', 'dry-run'],
      helpGroup: 'WHO',
    }),
    from: Flags.string({
      summary: 'Where to begin (with --to: start)',
      helpValue: 'POSITION',
      helpGroup: 'WHAT',
    }),
    until: Flags.string({
      summary: 'Where to end, exclusive (the end as it is now)',
      helpValue: 'POSITION',
      exclusive: ['group'],
      helpGroup: 'WHAT',
    }),
    filter: Flags.string({
      summary: 'Only what this CEL expression keeps',
      helpValue: 'CEL',
      exclusive: ['group'],
      helpGroup: 'WHAT',
    }),
    partition: Flags.string({
      char: 'p',
      multiple: true,
      summary: 'Only this partition (repeatable)',
      helpValue: 'P',
      helpGroup: 'WHAT',
    }),
    clamp: Flags.boolean({
      summary: 'With --group: for an offset that is not there take the nearest that is',
      dependsOn: ['group'],
      helpGroup: 'WHAT',
    }),
    keep: Flags.option({
      options: ['partition', 'timestamp'] as const,
      multiple: true,
      delimiter: ',',
      summary: 'Publish with the partition, the time that it had (else the destination chooses)',
      helpValue: 'partition,timestamp',
      exclusive: ['group'],
      helpGroup: 'WHAT',
    })(),
    rate: Flags.string({
      summary: 'At most so many: 50/s, 600/m, or max',
      default: 'max',
      helpValue: 'RATE',
      helpGroup: 'PACE',
    }),
    'in-flight': countFlag({
      summary: 'How many may be published and not yet confirmed: as many may be in doubt after a crash',
      default: defaultInFlight,
      helpGroup: 'PACE',
    }),
    ...positionFlags,
  };

  async run(): Promise<void> {
    const { group, to, resume } = this.flags;
    if (group !== undefined) return this.#readAgain(group);
    if (resume !== undefined) return this.#goOn(resume);
    if (to === undefined)
      throw new UsageError('who should get it again?', {
        hint: 'say --group GROUP to have it read again, or --to CHANNEL to publish it again',
      });
    return this.#publishAgain(to);
  }

  async #readAgain(group: string): Promise<void> {
    const { flags, args } = this;
    if (flags.from === undefined)
      throw new UsageError('from where on?', { hint: 'say --from: @-1h, start, an offset' });
    const now = Date.now();
    const choice = {
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: flags.output === 'json',
      reason: flags.reason ?? null,
      verb: 'put back',
    };
    const scope = {
      channels: [args.channel],
      partitions: flags.partition ?? null,
      to: parsePositions(flags.from, now),
    };
    const connected = await this.connect({
      verb: 'replay --group',
      needs: ['positions'],
      changes: !this.isDryRun(choice),
    });
    const targets = await targetsOf(connected.driver, group, scope, now, this.signal);
    const prepared = await planReset(connected.driver, group, targets, flags.clamp, this.signal);
    await this.carryOut(connected, prepared, choice);
  }

  async #publishAgain(to: string): Promise<void> {
    const { flags, args, output } = this;
    const ratePerSecond = this.#pace();
    const now = Date.now();
    const from = parsePositions(flags.from ?? 'start', now);
    const until = flags.until === undefined ? null : parsePositions(flags.until, now);
    refuseFuture(from, now);
    if (until !== null) refuseFuture(until, now);
    const choice = { yes: flags.yes, dryRun: flags['dry-run'] };
    const { source, context } = await this.#source();
    const { destination, name } = await this.#destination(to, !this.isDryRun(choice));
    const keep = await this.#filter(flags.filter ?? null);
    if (isSameChannel(source, destination) && !flags.yes && !flags['dry-run'])
      throw new UsageError(`"${args.channel}" would be published onto itself: its readers get it all again`, {
        hint: 'say --yes if that is meant, --dry-run to see it',
      });
    const prepared = await planReplay(
      source,
      destination,
      {
        from,
        until,
        partitions: flags.partition ?? null,
        filter: flags.filter ?? null,
        keep,
        keepPartition: flags.keep?.includes('partition') === true,
        keepTimestamp: flags.keep?.includes('timestamp') === true,
        to: name,
      },
      this.signal,
    );
    const { selected } = prepared.head;
    tellReplayPlan(output, prepared, source, destination, flags.rate);
    if (selected === 0 || this.isDryRun(choice)) {
      if (flags.output === 'json') await output.printJson(replayPlanRecord(prepared));
      output.note(selected === 0 ? 'nothing is selected' : 'nothing was published: say --yes to do it');
      return;
    }
    const question = `Publish ${countText(selected)} to "${destination.channel}"?`;
    if (!(await this.confirm(question, { yes: flags.yes }))) {
      output.note('nothing was published');
      return;
    }
    const { stateFolder } = await this.environment();
    const record = { context: context.name, reason: flags.reason ?? null };
    const job = await keepReplay(stateFolder, prepared, record);
    await this.#run(source, destination, job, selected, ratePerSecond, keep);
  }

  async #goOn(id: string): Promise<void> {
    const { flags, args } = this;
    const ratePerSecond = this.#pace();
    const { source } = await this.#source();
    const { stateFolder } = await this.environment();
    const { job, head } = await reopenReplay(stateFolder, id, args.channel, source.driver.target);
    const { destination } = await this.#destination(flags.to ?? head.to, true);
    this.output.note(
      `goes on with job ${job.id} of ${timeText(job.startedAt)}: ${countOf(head.selected, 'message')} to "${head.destination.channel}" at ${head.destination.target}`,
    );
    const question = `Go on publishing to "${head.destination.channel}"?`;
    if (!(await this.confirm(question, { yes: flags.yes }))) return;
    await this.#run(source, destination, job, head.selected, ratePerSecond, await this.#filter(head.filter));
  }

  #pace(): number | null {
    if (this.flags['in-flight'] === 0) throw new UsageError('--in-flight is at least 1');
    return parseRate(this.flags.rate);
  }

  async #source() {
    const { context, driver, declaration } = await this.connect({
      verb: 'replay',
      needs: ['look'],
      changes: false,
      check: requireHistory,
    });
    const source: ReplayEnd = { driver, declaration, channel: this.args.channel };
    return { source, context };
  }

  /** `name`: as the job keeps it, without a password that an address may hold. */
  async #destination(to: string, changes: boolean): Promise<{ destination: ReplayEnd; name: string }> {
    const { channel, context: said } = parseDestination(to);
    const request = { verb: 'replay --to', needs: ['publish'], changes } as const;
    const { driver, declaration, context } = await this.connectTo(said ?? this.flags.context, request);
    const name = said === null ? channel : `${channel}@${context.name}`;
    return { destination: { driver, declaration, channel }, name };
  }

  async #filter(filter: string | null): Promise<Filter> {
    const { createFilter } = await import('../lib/filter/filter.ts');
    const onMismatch = (reason: string): void =>
      this.output.warn(`the filter could not be applied to a message: ${reason}`);
    return createFilter({ filter, grep: null, key: null, headers: [], onMismatch });
  }

  async #run(
    source: ReplayEnd,
    destination: ReplayEnd,
    job: Parameters<typeof runReplay>[3],
    selected: number,
    ratePerSecond: number | null,
    keep: Filter,
  ): Promise<void> {
    const { flags, output } = this;
    const { stateFolder } = await this.environment();
    const progress = new Progress(output, 'published', selected);
    const report = await runReplay(
      source,
      destination,
      stateFolder,
      job,
      {
        ratePerSecond,
        inFlight: flags['in-flight'],
        keep,
        clock: realClock,
        onProgress: (count) => progress.add(count),
        onNote: (text) => output.note(text),
      },
      this.signal,
    ).finally(() => progress.finish());
    if (flags.output === 'json') await output.printJson(report);
    else await printReplayReport(output, report);
    const resume = this.nextCommand('replay', report.source.channel, '--resume', report.id);
    if (report.state === 'interrupted') output.note(`to go on: ${resume}`);
    this.signal.throwIfAborted();
    const left = unpublished(report, resume);
    if (left !== null) throw left;
  }
}
