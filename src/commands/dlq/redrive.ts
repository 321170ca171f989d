import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Connected } from '../../lib/base.ts';
import {
  changeFlags,
  chosenDeadLetterFlags,
  countFlag,
  durationFlag,
  noSchemaCheckFlag,
  outputFlag,
} from '../../lib/flags.ts';
import { Canary } from '../../lib/dlq/canary.ts';
import { realClock } from '../../lib/dlq/clock.ts';
import {
  adoptPlan,
  mostHeld,
  prepareRedrive,
  reopenRedrive,
  runRedrive,
  watchMsFor,
  type Prepared,
  type RedriveResult,
} from '../../lib/dlq/redrive.ts';
import type { Driver } from '../../lib/drivers/driver.ts';
import type { Decide, EditCheck } from '../../lib/dlq/decision.ts';
import type { Edit } from '../../lib/dlq/edit.ts';
import { editCheck } from '../../lib/dlq/edit-check.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { keptHeaders } from '../../lib/dlq/outgoing.ts';
import type { RedriveReport } from '../../lib/dlq/report.ts';
import { moveByServer } from '../../lib/dlq/server-move.ts';
import type { DeadLetterSource } from '../../lib/dlq/source.ts';
import { FailedError, MqctlError, PartialError, UsageError, UnsupportedError } from '../../lib/errors.ts';
import { parseRate } from '../../lib/input/rate.ts';
import { printFields } from '../../lib/output/fields.ts';
import { paceText, planLines } from '../../lib/output/plan-words.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countText, shortDuration, timeText } from '../../lib/output/time.ts';

import { keepPlan } from '../../lib/dlq/plan-copy.ts';

type RedriveJobs = ReturnType<typeof redriveJobs>;

const defaultRate = '50/s';
const defaultInFlight = 100;
const defaultMaxRedrives = 3;

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
    ...chosenDeadLetterFlags('SELECTION'),
    id: Flags.string({
      multiple: true,
      summary: 'Only this one: its id, PARTITION:OFFSET, or the hash that a plan names it by (repeatable)',
      helpValue: 'ID',
      helpGroup: 'SELECTION',
    }),
    limit: countFlag({ char: 'n', summary: 'The first N of them', helpGroup: 'SELECTION' }),
    all: Flags.boolean({ summary: 'All of them', helpGroup: 'SELECTION' }),
    to: Flags.string({
      summary: 'Where to, instead of where each came from',
      helpValue: 'CHANNEL',
      helpGroup: 'PLAN',
    }),
    'routing-key': Flags.string({
      summary: 'With --to an exchange: this key, instead of the one that each message first came with',
      helpValue: 'KEY',
      dependsOn: ['to'],
      helpGroup: 'PLAN',
    }),
    'keep-headers': Flags.option({
      options: keptHeaders,
      default: 'none' as const,
      summary:
        'What stays of the headers that frameworks wrote: none, what tells of the failure, or all, the retry state too',
      helpGroup: 'PLAN',
    })(),
    set: Flags.string({
      multiple: true,
      summary: 'Change one place of each on its way: value.total=7, headers.region=eu, key=k7 (repeatable)',
      helpValue: 'PATH=VALUE',
      exclusive: ['apply', 'resume'],
      helpGroup: 'PLAN',
    }),
    patch: Flags.string({
      summary: 'Change each by a JSON Patch (RFC 6902) over key, value, headers and properties',
      helpValue: 'FILE',
      exclusive: ['apply', 'resume', 'set'],
      helpGroup: 'PLAN',
    }),
    'no-schema-check': noSchemaCheckFlag,
    'fan-out': Flags.boolean({
      summary: 'Others than the consumer that failed may receive them, too',
      helpGroup: 'PLAN',
    }),
    copy: Flags.boolean({
      summary: 'Publish them and leave them where they are',
      exclusive: ['apply', 'resume'],
      helpGroup: 'PLAN',
    }),
    'delete-original': Flags.boolean({
      summary: 'Where a dead letter stands for a message that stays where it was: delete that one, too',
      exclusive: ['apply', 'resume', 'copy'],
      helpGroup: 'PLAN',
    }),
    quarantine: Flags.string({
      summary:
        'Where to put aside what was redriven too often; else the channel named CHANNEL.quarantine, if it is there',
      helpValue: 'CHANNEL',
      exclusive: ['apply', 'resume'],
      helpGroup: 'PLAN',
    }),
    'put-aside': Flags.boolean({
      summary: 'Put what is selected aside into the quarantine, instead of sending it back',
      exclusive: ['apply', 'resume', 'to', 'set', 'patch', 'copy', 'quarantine-unchanged'],
      helpGroup: 'PLAN',
    }),
    'quarantine-unchanged': Flags.boolean({
      summary: 'Put aside what was redriven before and died again of the same cause',
      exclusive: ['apply', 'resume'],
      helpGroup: 'PLAN',
    }),
    'max-redrives': countFlag({
      summary: 'What was redriven so often already is put aside, or stays where it is',
      default: defaultMaxRedrives,
      helpGroup: 'PLAN',
    }),
    'require-mark': Flags.boolean({
      summary: 'Leave those that have no room for the mark, where a system takes few headers',
      exclusive: ['apply', 'resume'],
      helpGroup: 'PLAN',
    }),
    'treat-as-new': Flags.boolean({
      summary: 'Redrive although it was forgotten which ones were resolved',
      helpGroup: 'PLAN',
    }),
    'look-again': Flags.boolean({
      summary: 'Look although a message there was near its delivery limit when it was last seen',
      helpGroup: 'PLAN',
    }),
    'resolved-from': Flags.string({
      summary: 'Record again as resolved what that journal moved, where the broker has forgotten it',
      helpValue: 'JOURNAL',
      exclusive: ['treat-as-new'],
      helpGroup: 'PLAN',
    }),
    plan: Flags.string({
      summary: 'Keep the plan in a file, and move nothing',
      helpValue: 'FILE',
      exclusive: ['apply', 'resume', 'dry-run'],
      helpGroup: 'PLAN',
    }),
    apply: Flags.string({
      summary: 'Run exactly the plan of that file',
      helpValue: 'FILE',
      exclusive: ['resume', 'filter', 'cause', 'id', 'limit', 'all', 'to'],
      helpGroup: 'PLAN',
    }),
    resume: Flags.string({
      summary: 'Go on with that job, or with the last one of this channel',
      helpValue: 'ID|last',
      exclusive: ['filter', 'cause', 'id', 'limit', 'all', 'to', 'dry-run'],
      helpGroup: 'PLAN',
    }),
    rate: Flags.string({
      summary: 'At most so many: 50/s, 600/m, or max',
      default: defaultRate,
      helpValue: 'RATE',
      helpGroup: 'PACE',
    }),
    'canary-wait': durationFlag({
      summary:
        'How long each step of the ramp is watched (10s, or twice what failing took, as the headers say)',
      helpGroup: 'PACE',
    }),
    'no-canary': Flags.boolean({ summary: 'No ramp: begin with the full rate', helpGroup: 'PACE' }),
    'in-flight': countFlag({
      summary: 'How many may be published and not yet settled: as many may be in doubt after a crash',
      default: defaultInFlight,
      helpGroup: 'PACE',
    }),
    lease: durationFlag({
      summary: 'How long what is taken is hidden from others, where the system has leases',
      helpGroup: 'PACE',
    }),
    'max-backlog': countFlag({
      summary: 'Wait while more than N wait in a destination',
      helpGroup: 'PACE',
    }),
    'take-over': Flags.boolean({
      summary: 'End the lease of whoever works on this channel',
      helpGroup: 'CHANGE',
    }),
    'by-server': Flags.boolean({
      summary: "Leave it to the system's own redrive, where it has one: faster, and without a journal",
      dependsOn: ['all'],
      exclusive: [
        ...['filter', 'cause', 'id', 'limit', 'set', 'patch', 'apply', 'resume', 'plan', 'copy'],
        ...['quarantine', 'quarantine-unchanged', 'require-mark', 'lease', 'max-backlog'],
      ],
      helpGroup: 'PACE',
    }),
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
    if (flags.output === 'json') await output.printJson(report);
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
    const { filter, cause, id, limit, all, apply, resume } = this.flags;
    if (apply !== undefined || resume !== undefined) return;
    if (filter === undefined && cause === undefined && id === undefined && limit === undefined && !all)
      throw new UsageError('what should be redriven?', {
        hint: 'say --filter, --cause, --id, --limit, or --all',
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
      return reopenRedrive(source, jobs, flags.resume, channel, forgotten, this.signal);
    if (flags.apply !== undefined) return adoptPlan(source, jobs, flags.apply, record, this.signal);
    const { createFilter } = await import('../../lib/filter/filter.ts');
    const onMismatch = (reason: string): void =>
      output.warn(`the filter could not be applied to a message: ${reason}`);
    const keep = await createFilter({
      filter: flags.filter ?? null,
      grep: null,
      key: null,
      headers: [],
      onMismatch,
    });
    const { filter, cause, id } = flags;
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
          decide: await this.#decide(),
          equalOnesAlike:
            flags.limit === undefined && flags.id === undefined && !/\bdelivery\b/.test(flags.filter ?? ''),
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
    if (aside) return () => ({ action: 'quarantine', reason: 'put aside by name' });
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
    const { job, totals, selection, guarantee, notes, blast } = prepared;
    const { output, flags } = this;
    if (flags.resume !== undefined) {
      output.note(
        `goes on with job ${job.id} of ${timeText(job.startedAt)}: ${countText(totals.selected)} messages`,
      );
      return;
    }
    const json = flags.output === 'json' && (flags['dry-run'] || flags.plan !== undefined);
    if (json) {
      await output.printJson(planRecord(prepared));
      return;
    }
    const { channel, target } = job;
    const steps = flags['no-canary'] ? [] : Canary.steps(totals.selected);
    const watchMs = flags['canary-wait'] ?? watchMsFor(totals, flags.lease ?? null);
    const pace = paceText(flags.rate, steps, watchMs);
    const told = {
      ...totals,
      ...(selection ?? nothingSelected),
      channel,
      target,
      guarantee,
      blast,
      notes,
      pace,
    };
    for (const line of planLines(told)) output.note(line);
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
    else await this.#printReport(report, source);
    const resume = this.nextCommand('dlq', 'redrive', report.channel, '--resume', report.id);
    if (report.state === 'interrupted') output.note(`to go on: ${resume}`);
    this.signal.throwIfAborted();
    if (report.moved === 0 && error instanceof MqctlError) throw error;
    const hint =
      report.remaining + report.inDoubt + report.unsettled > 0 ? { hint: `to go on: ${resume}` } : {};
    if (report.stoppedBy !== null && report.moved === 0) throw new FailedError(report.stoppedBy, hint);
    if (report.stoppedBy !== null) throw new PartialError(`stopped: ${report.stoppedBy}`, hint);
    const left = report.selected - report.moved - report.skipped; // to leave one is what was decided
    if (left === 0 && report.unsettled === 0) return;
    if (left === 0) {
      throw new PartialError(
        `all were moved, and ${countText(report.unsettled)} of them may still lie in "${report.channel}": see ${report.reportFile}`,
        { hint: 'look at them before they are redriven again' },
      );
    }
    const text = `${countText(left)} of ${countText(report.selected)} were not moved: see ${report.reportFile}`;
    if (report.moved === 0) throw new FailedError(text, hint);
    throw new PartialError(text, hint);
  }

  async #printReport(report: RedriveReport, { declaration }: DeadLetterSource): Promise<void> {
    const some = (count: number): string | null => (count === 0 ? null : countText(count));
    await printFields(this.output, [
      ['selected', countText(report.selected)],
      ['moved', countText(report.moved)],
      ['failed', some(report.failed)],
      ['skipped', some(report.skipped)],
      ['drifted', some(report.drifted)],
      ['quarantined', some(report.quarantined)],
      ['in doubt', some(report.inDoubt)],
      ['remaining', some(report.remaining)],
      ['returned', some(report.returned)],
      ['possible duplicates', some(report.possibleDuplicateCount)],
      ['not yet settled', some(report.unsettled)],
      ['without the mark', some(report.unmarked)],
      ['guarantee', guaranteeText(report)],
      ['job', report.id],
      ['report', report.reportFile],
    ]);
    for (const { id, redriveId } of report.possibleDuplicates)
      this.output.note(`possibly twice: ${id} (mqctl-redrive: ${redriveId})`);
    const { dedupeProperty, dedupeWindowMs = null } = declaration.facets.publish ?? {};
    if (report.possibleDuplicateCount > 0 && dedupeProperty !== undefined && dedupeWindowMs !== null)
      this.output.note(
        `where the destination knows messages by ${dedupeProperty}, it kept one of those that were sent twice within ${shortDuration(dedupeWindowMs)}`,
      );
    for (const { id, standing, reason } of report.failures)
      this.output.note(`${standing}: ${id}${reason === null ? '' : `: ${reason}`}`);
    for (const { id } of report.returnedMessages) this.output.note(`came back: ${id}`);
  }
}

function guaranteeText({ guarantees }: RedriveReport): string {
  const entries = Object.entries(guarantees);
  return entries.map(([channel, guarantee]) => `${channel}: ${guarantee.replaceAll('-', ' ')}`).join(', ');
}

/** A plan from a file tells how many, not which. */
const nothingSelected = {
  destinations: new Map<string, number>(),
  causes: [],
  edits: [],
  quarantined: null,
  unchanged: 0,
  leftOut: [],
  headersRemoved: new Map<string, number>(),
};

function planRecord({ job, totals, selection, guarantee, notes, blast }: Prepared): unknown {
  return {
    channel: job.channel,
    selected: totals.selected,
    bytes: totals.bytes,
    destinations:
      selection === null
        ? null
        : [...selection.destinations].map(([name, count]) => ({ channel: name, count, guarantee })),
    causes: selection?.causes ?? null,
    headersRemoved: selection === null ? null : Object.fromEntries(selection.headersRemoved),
    edits: selection?.edits ?? null,
    quarantined: selection?.quarantined ?? null,
    unchanged: selection?.unchanged ?? null,
    leftOut: selection?.leftOut ?? null,
    blast,
    notes,
  };
}
