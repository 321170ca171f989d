import { Flags } from '@oclif/core';
import { channelArgument, countFlag } from '../lib/flags.ts';
import { realClock } from '../lib/dlq/clock.ts';
import type { Filter } from '../lib/filter/filter.ts';
import { FailedError, PartialError, UsageError } from '../lib/errors.ts';
import { parseRate } from '../lib/input/rate.ts';
import { parsePositions } from '../lib/message/position-grammar.ts';
import { planReset } from '../lib/operations/change-positions.ts';
import { refuseFuture, targetsOf } from '../lib/operations/position-scope.ts';
import { printFields } from '../lib/output/fields.ts';
import { Progress } from '../lib/output/progress.ts';
import { countText, shortDuration, timeText } from '../lib/output/time.ts';
import { PositionCommand, positionFlags, scopeFlags } from '../lib/position-command.ts';
import { isSameChannel, keepReplay, planReplay, requireHistory } from '../lib/replay/plan-replay.ts';
import type { PreparedReplay, ReplayEnd } from '../lib/replay/plan-replay.ts';
import { reopenReplay, runReplay } from '../lib/replay/run-replay.ts';
import type { ReplayReport } from '../lib/replay/run-replay.ts';

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
      exclusive: ['from', 'until', 'filter', 'keep', 'dry-run'],
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
    partition: scopeFlags.partition,
    clamp: scopeFlags.clamp,
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
    for (const positions of [from, until])
      for (const position of positions === null
        ? []
        : 'every' in positions
          ? [positions.every]
          : positions.byPartition.values())
        refuseFuture(position, now);
    const choice = { yes: flags.yes, dryRun: flags['dry-run'] };
    const here = await this.connect({
      verb: 'replay',
      needs: ['look'],
      changes: false,
      check: requireHistory,
    });
    const { end: destination, name } = await this.#destination(to, !this.isDryRun(choice));
    const source: ReplayEnd = { ...here, channel: args.channel };
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
        filter: flags.filter ?? null,
        keep,
        keepPartition: flags.keep?.includes('partition') === true,
        keepTimestamp: flags.keep?.includes('timestamp') === true,
        to: name,
      },
      this.signal,
    );
    const { selected } = prepared.head;
    this.#showPlan(prepared, destination.declaration.system, isSameChannel(source, destination));
    const dryRun = this.isDryRun(choice);
    if (selected === 0 || dryRun) {
      if (flags.output === 'json') await output.printJson(planDocument(prepared));
      output.note(selected === 0 ? 'nothing is selected' : 'nothing was published: say --yes to do it');
      return;
    }
    if (
      !(await this.confirm(`Publish ${countText(selected)} to "${destination.channel}"?`, { yes: flags.yes }))
    ) {
      output.note('nothing was published');
      return;
    }
    const { stateFolder } = await this.environment();
    const record = { context: here.context.name, reason: flags.reason ?? null };
    const job = await keepReplay(stateFolder, prepared, record);
    await this.#run(source, destination, job, selected, ratePerSecond, keep);
  }

  async #goOn(id: string): Promise<void> {
    const { flags, args } = this;
    const ratePerSecond = this.#pace();
    const here = await this.connect({
      verb: 'replay',
      needs: ['look'],
      changes: false,
      check: requireHistory,
    });
    const source: ReplayEnd = { ...here, channel: args.channel };
    const { stateFolder } = await this.environment();
    const { job, head } = await reopenReplay(stateFolder, id, args.channel, here.driver.target);
    const { end: destination } = await this.#destination(flags.to ?? head.to, true);
    this.output.note(
      `goes on with job ${job.id} of ${timeText(job.startedAt)}: ${countText(head.selected)} messages to "${head.destination.channel}" at ${head.destination.target}`,
    );
    const question = `Go on publishing to "${head.destination.channel}"?`;
    if (!(await this.confirm(question, { yes: flags.yes }))) return;
    await this.#run(source, destination, job, head.selected, ratePerSecond, await this.#filter(head.filter));
  }

  #pace(): number | null {
    if (this.flags['in-flight'] === 0) throw new UsageError('--in-flight is at least 1');
    return parseRate(this.flags.rate);
  }

  /** `orders@prod`: the name of a channel ends at the first @. */
  async #destination(to: string, changes: boolean): Promise<{ end: ReplayEnd; name: string }> {
    const at = to.indexOf('@');
    const channel = at < 0 ? to : to.slice(0, at);
    const context = at < 0 ? this.flags.context : to.slice(at + 1);
    if (channel === '' || context === '')
      throw new UsageError(`${JSON.stringify(to)} names no channel and context`, {
        hint: 'write --to CHANNEL or --to CHANNEL@CONTEXT',
      });
    const there = await this.connectTo(context, { verb: 'replay --to', needs: ['publish'], changes });
    // Without a password that an address may hold: it is kept with the job.
    return { end: { ...there, channel }, name: at < 0 ? channel : `${channel}@${there.context.name}` };
  }

  async #filter(filter: string | null): Promise<Filter> {
    const { createFilter } = await import('../lib/filter/filter.ts');
    const onMismatch = (reason: string): void =>
      this.output.warn(`the filter could not be applied to a message: ${reason}`);
    return createFilter({ filter, grep: null, key: null, headers: [], onMismatch });
  }

  #showPlan(
    { head, misfits, oldestAt, newestAt, notes }: PreparedReplay,
    system: string,
    ontoItself: boolean,
  ): void {
    const { output, flags } = this;
    const { source, destination } = head;
    output.note(
      `${countText(head.selected)} of "${source.channel}" at ${source.target} (${countText(head.bytes)} bytes) to "${destination.channel}" at ${destination.target}, at least once`,
    );
    if (oldestAt !== null && newestAt !== null)
      output.note(
        `  ${shortDuration(newestAt - oldestAt)} of them: ${timeText(oldestAt)} to ${timeText(newestAt)}`,
      );
    for (const { partition, first, last, selected } of head.ranges)
      output.note(
        `  ${partition === null ? '' : `partition ${partition}: `}${countText(selected)} from ${first} to ${last}`,
      );
    for (const [reason, count] of misfits) output.note(`  ${countText(count)} will not be taken: ${reason}`);
    for (const [what, count] of Object.entries(head.leftOut))
      output.note(`  left out, because ${system} has no such thing: ${what} of ${countText(count)}`);
    output.note(`  ${flags.rate === 'max' ? 'as fast as they are accepted' : `at ${flags.rate}`}`);
    if (ontoItself)
      output.note('  onto itself: what is published now lies behind the frozen end, and is not read');
    for (const note of notes) output.note(`  ${note}`);
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
    let report: ReplayReport;
    try {
      report = await runReplay(
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
      );
    } finally {
      progress.finish();
    }
    if (flags.output === 'json') await output.printJson(report);
    else await this.#printReport(report);
    this.#answer(report);
  }

  #answer(report: ReplayReport): void {
    const resume = this.nextCommand('replay', report.source.channel, '--resume', report.id);
    if (report.state === 'interrupted') this.output.note(`to go on: ${resume}`);
    this.signal.throwIfAborted();
    const left = report.selected - report.published;
    if (report.stoppedBy === null && left === 0) return;
    const hint = report.stoppedBy === null ? {} : { hint: `to go on: ${resume}` };
    const text =
      report.stoppedBy === null
        ? `${countText(left)} of ${countText(report.selected)} were not published`
        : `stopped: ${report.stoppedBy}`;
    throw report.published === 0 ? new FailedError(text, hint) : new PartialError(text, hint);
  }

  async #printReport(report: ReplayReport): Promise<void> {
    const some = (count: number): string | null => (count === 0 ? null : countText(count));
    await printFields(this.output, [
      ['selected', countText(report.selected)],
      ['published', countText(report.published)],
      ['failed', some(report.failed)],
      ['gone', some(report.gone)],
      ['in doubt', some(report.inDoubt)],
      ['remaining', some(report.remaining)],
      ['possible duplicates', some(report.possibleDuplicateCount)],
      ...Object.entries(report.leftOut).map(
        ([what, count]) => ['left out', `${what} of ${countText(count)}`] as const,
      ),
      ['guarantee', report.guarantee.replaceAll('-', ' ')],
      ['job', report.id],
      ['journal', report.journal],
    ]);
    for (const id of report.possibleDuplicates) this.output.note(`possibly twice: ${id}`);
    const more = report.possibleDuplicateCount - report.possibleDuplicates.length;
    if (more > 0) this.output.note(`and ${countText(more)} more: the lines AGAIN of the journal`);
    for (const { id, reason } of report.failures) this.output.note(`failed: ${id}: ${reason}`);
  }
}

function planDocument({ head, misfits, oldestAt, newestAt, notes }: PreparedReplay): unknown {
  const time = (at: number | null): string | null => (at === null ? null : timeText(at));
  return {
    source: head.source,
    destination: head.destination,
    selected: head.selected,
    bytes: head.bytes,
    partitions: head.ranges,
    oldestAt: time(oldestAt),
    newestAt: time(newestAt),
    misfits: Object.fromEntries(misfits),
    leftOut: head.leftOut,
    notes,
  };
}
