import { join } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand, type Connected } from '../../lib/base.ts';
import { changeFlags, outputFlag } from '../../lib/flags.ts';
import { redriveFlags } from '../../lib/redrive-flags.ts';
import { Canary } from '../../lib/dlq/canary.ts';
import { realClock } from '../../lib/dlq/clock.ts';
import { mostHeld } from '../../lib/dlq/hold-limit.ts';
import { prepareRedrive } from '../../lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../lib/dlq/prepared.ts';
import { type RedriveResult, runRedrive } from '../../lib/dlq/redrive.ts';
import { adoptPlan, reopenRedrive } from '../../lib/dlq/reopen-redrive.ts';
import { watchMsFor } from '../../lib/dlq/watch-time.ts';
import type { Driver } from '../../lib/drivers/driver.ts';
import { putAside, type Decide, type EditCheck } from '../../lib/dlq/decision.ts';
import type { Edit } from '../../lib/dlq/edit.ts';
import { editCheck } from '../../lib/dlq/edit-check.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { parseLookRange } from '../../lib/dlq/look-range.ts';
import { keepPlan } from '../../lib/dlq/plan-copy.ts';
import { moveByServer } from '../../lib/dlq/server-move.ts';
import type { DeadLetterSource } from '../../lib/dlq/source.ts';
import { FailedError, MqctlError, PartialError, UsageError, UnsupportedError } from '../../lib/errors.ts';
import { parseRate } from '../../lib/input/rate.ts';
import { printFields } from '../../lib/output/fields.ts';
import { paceText, planLines } from '../../lib/output/plan-words.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countOf, countText, timeText } from '../../lib/output/time.ts';
import { printRedriveReport, redrivePlanRecord, standingText } from '../../lib/views/dlq/redrive-report.ts';

type RedriveJobs = ReturnType<typeof redriveJobs>;

export default class DlqRedrive extends BaseCommand<typeof DlqRedrive> {
  static override summary = 'Send dead letters back to where they came from: none lost, none twice unnoticed';
  static override description = `Makes a plan of what is selected, shows it, asks, then moves it: one message first, then wider, watching after each step whether they come back (the canary); at a rate; until too many fail (the breaker). Every step is in a journal: what is interrupted goes on with --resume.

Where publishing and removing are one step (Kafka to the same cluster, the embedded broker) each message arrives exactly once. Elsewhere at least once: what a crash leaves in doubt is published again with the same id, and named in the report.

A message goes where it came from, as its headers or the broker say, or --to. Headers that frameworks wrote on its death are taken off (--keep-headers), so that it is tried anew; mqctl-redrive marks it, mqctl-failure keeps the cause.`;
  static override examples = [
    {
      description: 'What would be done?',
      command: `<%= config.bin %> dlq redrive orders.dlq --filter 'deadLetter.class == "java.net.SocketTimeoutException"' --dry-run`,
    },
    {
      description: 'One cause, as dlq inspect --group-by cause names it',
      command: '<%= config.bin %> dlq redrive orders.dlq --cause 3f2a',
    },
    {
      description: 'Everything, without asking',
      command: '<%= config.bin %> dlq redrive orders.dlq --all --yes',
    },
    {
      description: 'Mend them on their way: a diff is shown before',
      command: `<%= config.bin %> dlq redrive orders.dlq --cause 3f2a --set value.currency=EUR --dry-run`,
    },
    {
      description: 'Go on after an interruption',
      command: '<%= config.bin %> dlq redrive orders.dlq --resume last',
    },
    {
      description: 'Plan now, have it read, run exactly that',
      command:
        '<%= config.bin %> dlq redrive orders.dlq --all --plan monday.plan && <%= config.bin %> dlq redrive orders.dlq --apply monday.plan',
    },
  ];
  static override args = {
    channel: Args.string({ required: true, ignoreStdin: true, description: 'the channel of dead letters' }),
  };
  static override flags = {
    ...redriveFlags,
    ...changeFlags,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags['in-flight'] === 0) throw new UsageError('--in-flight is at least 1');
    const ratePerSecond = parseRate(flags.rate);
    this.#requireSelection();
    if (flags['by-server']) return this.#byServer(ratePerSecond);
    const planOnly = flags['dry-run'] || flags.plan !== undefined;
    const connected = await this.connect({
      verb: 'dlq redrive',
      needs: ['deadLetters', 'look', 'publish'],
      changes: !planOnly,
    });
    const source: DeadLetterSource = connected;
    this.#requireRouting(source);
    this.#requireOriginals(source);
    const most = mostHeld(source);
    if (most !== null && flags['in-flight'] > most)
      throw new UsageError(`--in-flight is at most ${countText(most)} here: so many messages can be held`);
    const jobs = redriveJobs((await this.environment()).stateFolder);
    const prepared = await this.#prepare(connected, source, jobs);
    if (prepared.totals.selected === 0) {
      await jobs.remove(prepared.job.id);
      this.output.note(`nothing in "${this.args.channel}" is selected`);
      if (flags.output === 'json') await this.output.printJson({ selected: 0 });
      return;
    }
    await this.#showPlan(prepared);
    if (flags.resume !== undefined && planOnly) await this.#showStanding(prepared, jobs);
    if (flags.plan !== undefined) {
      await keepPlan(prepared.planPath, flags.plan);
      this.output.note(`kept in ${flags.plan}: --apply runs it`);
    }
    const question = `${flags.copy ? 'Copy' : 'Redrive'} ${countText(prepared.totals.selected)} from "${this.args.channel}"?`;
    if (planOnly || !(await this.#confirmed(question, prepared, jobs))) {
      if (flags.resume === undefined) await jobs.remove(prepared.job.id);
      if (!planOnly) this.output.note('nothing was moved');
      return;
    }
    await this.#answer(source, await this.#run(source, jobs, prepared, ratePerSecond));
  }

  /** Shows what the system's own redrive cannot do, asks, starts it and watches it. */
  async #byServer(ratePerSecond: number | null): Promise<void> {
    const { flags, args, output } = this;
    const planOnly = flags['dry-run'];
    const { driver, declaration } = await this.connect({
      verb: 'dlq redrive --by-server',
      needs: ['serverMove'],
      changes: !planOnly,
    });
    const { waiting, from } = await this.#serverMoveSource(driver);
    const to = flags.to ?? null;
    const where = to ?? (from.length === 0 ? 'where each came from' : from.join(', '));
    output.note(
      `about ${countText(waiting)} of "${args.channel}" would go to ${where}, by ${declaration.system} itself`,
    );
    for (const limit of declaration.facets.serverMove?.limits ?? []) output.note(`limits: ${limit}`);
    this.tellReason(flags.reason);
    const question = `Leave the redrive of "${args.channel}" to ${declaration.system}?`;
    if (planOnly || !(await this.confirm(question, { yes: flags.yes }))) {
      output.note('nothing was moved');
      return;
    }
    const progress = new Progress(output, 'redriven', waiting);
    const request = { channel: args.channel, to, ratePerSecond };
    const report = await moveByServer(
      driver.serverMove,
      request,
      realClock,
      (moved) => progress.add(moved),
      this.signal,
    ).finally(() => progress.finish());
    if (flags.output === 'json') await output.printJson({ ...report, reason: flags.reason ?? null });
    else
      await printFields(output, [
        ['moved', report.moved === null ? 'unknown' : `about ${countText(report.moved)}`],
        ['state', report.state],
        ['guarantee', `what ${declaration.system} promises of its own`],
      ]);
    this.signal.throwIfAborted();
    if (report.state === 'done') return;
    const text = `the move ended as "${report.state}"${report.reason === null ? '' : `: ${report.reason}`}`;
    if (report.moved === 0) throw new FailedError(text);
    throw new PartialError(text, { hint: `what is left waits in "${args.channel}"` });
  }

  async #serverMoveSource(driver: Driver): Promise<{ waiting: number; from: readonly string[] }> {
    const { messages, deadLetterOf } = await driver.describe(this.args.channel, this.signal);
    return { waiting: messages ?? 0, from: deadLetterOf };
  }

  #requireSelection(): void {
    const { from, until, filter, cause, id, limit, all, apply, resume } = this.flags;
    if (apply !== undefined || resume !== undefined || all) return;
    if ([from, until, filter, cause, id, limit].every((flag) => flag === undefined))
      throw new UsageError('what should be redriven?', {
        hint: 'say --filter, --cause, --id, --from, --until, --limit, or --all',
      });
  }

  /** Throws `UsageError` where a key was said and nothing looks at it. */
  #requireRouting({ declaration }: DeadLetterSource): void {
    const { to, 'routing-key': key } = this.flags;
    const prefix = declaration.facets.publish?.routing?.prefix;
    if (key === undefined || (prefix !== undefined && to?.startsWith(prefix) === true)) return;
    throw new UsageError(`"${to ?? ''}" takes what it is given, whatever its routing key`, {
      hint: prefix === undefined ? `${declaration.system} has no exchanges` : `say --to ${prefix}NAME`,
    });
  }

  /** Throws `UnsupportedError` where a dead letter is the message itself. */
  #requireOriginals({ declaration }: DeadLetterSource): void {
    if (!this.flags['delete-original'] || declaration.facets.deadLetters?.originals === 'stay') return;
    throw new UnsupportedError(`${declaration.system} has not got "dlq redrive --delete-original"`, {
      hint: 'its dead letters are the messages themselves: leave it out',
    });
  }

  async #prepare(
    { context }: Connected<'look'>,
    source: DeadLetterSource,
    jobs: RedriveJobs,
  ): Promise<Prepared> {
    const { flags, args, output } = this;
    const { channel } = args;
    const forgotten = {
      treatAsNew: flags['treat-as-new'],
      resolvedFrom: flags['resolved-from'] ?? null,
    };
    const record = { channel, context: context.name, reason: flags.reason ?? null, ...forgotten };
    if (flags.resume !== undefined)
      return reopenRedrive(source, jobs, flags.resume, channel, record, this.signal);
    if (flags.apply !== undefined) return adoptPlan(source, jobs, flags.apply, record, this.signal);
    const { createExpressionFilter } = await import('../../lib/filter/filter.ts');
    const keep = await createExpressionFilter(flags.filter, (text) => output.warn(text));
    const { from, until, filter, cause, id } = flags;
    const ranged = from !== undefined || until !== undefined;
    const progress = new Progress(output, 'looked at for the plan', null);
    return prepareRedrive(
      source,
      jobs,
      {
        ...record,
        selection: {
          keep,
          ids: id === undefined ? null : new Set(id),
          causes: cause ?? null,
          everything: filter === undefined && cause === undefined && id === undefined,
          limit: flags.limit ?? null,
          ...(ranged && { range: parseLookRange(from, until) }),
          decide: await this.#decide(),
          equalOnesAlike:
            !ranged &&
            flags.limit === undefined &&
            id === undefined &&
            !/\bdelivery\b/.test(flags.filter ?? ''),
        },
        to: flags.to ?? null,
        keepHeaders: flags['keep-headers'],
        maxRedrives: flags['max-redrives'],
        lookAgain: flags['look-again'],
        quarantine: flags.quarantine ?? null,
        copy: flags.copy,
        requireMark: flags['require-mark'],
        deleteOriginals: flags['delete-original'],
        routingKey: flags['routing-key'] ?? null,
        check: await this.#check(),
        onLooked: (count) => progress.add(count),
      },
      this.signal,
    ).finally(() => progress.finish());
  }

  /** Whether edited messages still fit their schema; null where nothing is edited, or nothing asked. */
  async #check(): Promise<EditCheck | null> {
    const { set, patch, 'no-schema-check': unchecked } = this.flags;
    if (unchecked || (set === undefined && patch === undefined)) return null;
    return editCheck(await this.registryPlace(undefined));
  }

  /** What is done with each that is selected. */
  async #decide(): Promise<Decide> {
    const { set, patch, 'put-aside': aside, 'quarantine-unchanged': quarantineUnchanged } = this.flags;
    if (aside) return () => putAside('by name');
    const edit = await this.#edit(set, patch);
    return ({ unchanged }) =>
      unchanged && quarantineUnchanged
        ? { action: 'quarantine', reason: 'it was redriven before, and died again of the same cause' }
        : { action: 'redrive', to: null, edit };
  }

  async #edit(set: readonly string[] | undefined, patch: string | undefined): Promise<Edit | null> {
    if (set === undefined && patch === undefined) return null;
    const { Editor, parseSet } = await import('../../lib/dlq/edit.ts');
    if (patch === undefined) return (set ?? []).map(parseSet);
    const { fileSource, readWhole } = await import('../../lib/input/source.ts');
    const editor = await Editor.load();
    return editor.parsePatch(Buffer.from(await readWhole(fileSource(patch))).toString('utf8'));
  }

  /** A plain yes is not meant for others than the consumer that failed. Throws `UsageError`. */
  #refuseBlast({ blast }: Prepared): void {
    const [first] = blast;
    if (first === undefined || this.flags['fan-out']) return;
    const { channel, others, retryChannel } = first;
    throw new UsageError(`others would receive them, too: ${others.join(', ')} read "${channel}"`, {
      hint:
        retryChannel === null
          ? 'say --fan-out if they may, or send them to a channel that only the failed consumer reads: --to CHANNEL'
          : `say --fan-out if they may, or --to ${retryChannel}`,
    });
  }

  async #showPlan(prepared: Prepared): Promise<void> {
    const { job, totals, selection, changes, guarantee, notes, blast, goesTo } = prepared;
    const { output, flags } = this;
    if (flags.resume !== undefined) {
      output.note(
        `goes on with job ${job.id} of ${timeText(job.startedAt)}: ${countOf(totals.selected, 'message')}`,
      );
      return;
    }
    const json = flags.output === 'json' && (flags['dry-run'] || flags.plan !== undefined);
    if (json) {
      await output.printJson(redrivePlanRecord(prepared));
      return;
    }
    const { channel, target } = job;
    const going = [...goesTo.values()].reduce((sum, count) => sum + count, 0);
    const steps = flags['no-canary'] ? [] : Canary.steps(going);
    const watchMs = flags['canary-wait'] ?? watchMsFor(totals, flags.lease ?? null);
    const pace = going === 0 ? null : paceText(flags.rate, steps, watchMs);
    const told = {
      ...totals,
      ...(selection ?? nothingSelected),
      changes,
      destinations: goesTo,
      channel,
      target,
      guarantee,
      blast,
      notes,
      pace,
    };
    for (const line of planLines(told)) output.note(line);
  }

  /** What of a job was done before. */
  async #showStanding({ job, planPath, totals }: Prepared, jobs: RedriveJobs): Promise<void> {
    const { output, flags } = this;
    const { RedriveJournal } = await import('../../lib/dlq/journal.ts');
    const { checkPlan } = await import('../../lib/dlq/plan.ts');
    await checkPlan(planPath);
    const state = await RedriveJournal.read(join(jobs.folderOf(job.id), 'journal'), totals.selected);
    const counts = state.counts();
    if (flags.output === 'json') await output.printJson({ job: job.id, ...counts });
    output.note(standingText(counts));
  }

  async #confirmed(question: string, prepared: Prepared, jobs: RedriveJobs): Promise<boolean> {
    try {
      if (this.flags.yes) this.#refuseBlast(prepared);
      return await this.confirm(question, { yes: this.flags.yes });
    } catch (error) {
      if (this.flags.resume === undefined) await jobs.remove(prepared.job.id);
      throw error;
    }
  }

  async #run(
    source: DeadLetterSource,
    jobs: RedriveJobs,
    prepared: Prepared,
    ratePerSecond: number | null,
  ): Promise<RedriveResult> {
    const { flags, output } = this;
    const progress = new Progress(output, 'redriven', prepared.totals.selected);
    try {
      return await runRedrive(
        source,
        jobs,
        prepared,
        {
          ratePerSecond,
          inFlight: flags['in-flight'],
          canary: !flags['no-canary'],
          canaryWaitMs: flags['canary-wait'] ?? null,
          leaseMs: flags.lease ?? null,
          maxBacklog: flags['max-backlog'] ?? null,
          takeOver: flags['take-over'],
          lookAgain: flags['look-again'],
          clock: realClock,
          onProgress: (moved) => progress.add(moved),
          onReturned: (count) => progress.addBeside('returned', count),
          onNote: (text) => output.note(text),
        },
        this.signal,
      );
    } finally {
      progress.finish();
    }
  }

  async #answer(source: DeadLetterSource, { report, error }: RedriveResult): Promise<void> {
    const { output } = this;
    if (this.flags.output === 'json') await output.printJson(report);
    else await printRedriveReport(output, report, source.declaration);
    const resume = this.nextCommand('dlq', 'redrive', report.channel, '--resume', report.id);
    if (report.state === 'interrupted') output.note(`to go on: ${resume}`);
    this.signal.throwIfAborted();
    if (report.moved === 0 && error instanceof MqctlError) throw error;
    const hint =
      report.remaining + report.inDoubt + report.unsettled > 0 ? { hint: `to go on: ${resume}` } : {};
    if (report.stoppedBy !== null && report.moved === 0) throw new FailedError(report.stoppedBy, hint);
    if (report.stoppedBy !== null) throw new PartialError(`stopped: ${report.stoppedBy}`, hint);
    // To leave one is what was decided, and so is to put it aside where a person said so.
    const left = report.selected - report.moved - report.skipped - report.putAsideAsAsked;
    if (left === 0 && report.unsettled === 0) return;
    if (left === 0) {
      throw new PartialError(
        `all were moved, and ${countText(report.unsettled)} of them may still lie in "${report.channel}": see ${report.reportFile}`,
        { hint: 'look at them before they are redriven again' },
      );
    }
    const text = `${countText(left)} of ${countText(report.selected)} ${left === 1 ? 'was' : 'were'} not moved: see ${report.reportFile}`;
    if (report.moved + report.putAside === 0) throw new FailedError(text, hint);
    throw new PartialError(text, hint);
  }
}

/** A plan from a file tells how many, not which. */
const nothingSelected = {
  causes: [],
  quarantined: null,
  unchanged: 0,
  leftOut: [],
  headersRemoved: new Map<string, number>(),
};
