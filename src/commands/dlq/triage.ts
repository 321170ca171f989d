import { Flags } from '@oclif/core';
import { BaseCommand, type Connected } from '../../lib/base.ts';
import {
  changeFlags,
  channelArgument,
  countFlag,
  defaultMaxRedrives,
  defaultRedriveRate,
  noSchemaCheckFlag,
  paceFlags,
} from '../../lib/flags.ts';
import { agreeToLook } from '../../lib/dlq/agreed-look.ts';
import { Canary } from '../../lib/dlq/canary.ts';
import { parseSet } from '../../lib/dlq/edit.ts';
import { editCheck } from '../../lib/dlq/edit-check.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { openSpool, Shelf } from '../../lib/dlq/shelf.ts';
import { prepareRedrive } from '../../lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../lib/dlq/prepared.ts';
import { watchMsFor } from '../../lib/dlq/watch-time.ts';
import {
  archiveMarked,
  decideByMarks,
  markedCount,
  notesOf,
  sameCommands,
  type Marks,
} from '../../lib/dlq/triage.ts';
import { UsageError, errorText } from '../../lib/errors.ts';
import { parseRate } from '../../lib/input/rate.ts';
import { registryDecoder } from '../../lib/operations/registry-decoder.ts';
import { lookCostText } from '../../lib/output/look-cost.ts';
import { paceText, planLines } from '../../lib/output/plan-words.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countOf, countText, timeText } from '../../lib/output/time.ts';
import type { TriageAnswer } from '../../lib/prompt/triage/screen.ts';
import DlqRedrive from './redrive.ts';

const defaultLimit = 10_000;

type Context = Connected<'look'>['context'];

export default class DlqTriage extends BaseCommand<typeof DlqTriage> {
  static override summary = 'Sort dead letters on a screen: look, edit, redrive, put aside, skip';
  static override description = `Causes on the left, the largest first; Enter goes into their messages. Mark what is to be done with a cause or a message (r redrive, x quarantine, a archive, s skip, e edit, n note), then c: the plan is shown, and nothing happens before you say yes. What is then run is a job like any other redrive: with canary, rate, breaker and journal. ? shows the keys.

The dead letters are looked at once; where that costs something (a RabbitMQ queue counts a delivery of each) it is said and asked first.

In a script, the same is done by dlq groups, dlq inspect and dlq redrive: the commands are printed at the end.`;
  static override examples = [
    { description: 'Monday morning', command: '<%= config.bin %> dlq triage orders.dlq' },
    {
      description: 'Only those of the last day',
      command: `<%= config.bin %> dlq triage orders.dlq --filter 'deadLetter.consumer == "billing"'`,
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    filter: Flags.string({
      summary: 'Only what this CEL expression keeps',
      helpValue: 'CEL',
      helpGroup: 'SELECTION',
    }),
    limit: countFlag({
      char: 'n',
      summary: 'Look at the first N',
      default: defaultLimit,
      helpGroup: 'SELECTION',
    }),
    'max-redrives': countFlag({
      summary: 'What was redriven so often already is put aside',
      default: defaultMaxRedrives,
      helpGroup: 'PLAN',
    }),
    'treat-as-new': Flags.boolean({
      summary: 'Redrive although it was forgotten which ones were resolved',
      helpGroup: 'PLAN',
    }),
    'no-schema-check': noSchemaCheckFlag,
    'archive-file': Flags.string({
      summary: 'Where what is marked so is copied to; else CHANNEL-TIME.ndjson, here',
      helpValue: 'F',
      helpGroup: 'PLAN',
    }),
    reason: changeFlags.reason,
    ...paceFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    if (flags.limit === 0) throw new UsageError('--limit is at least 1');
    parseRate(flags.rate);
    if (!this.canAsk)
      throw new UsageError('triage is a screen, and this is no terminal', {
        hint: `in a script: ${this.nextCommand('dlq', 'groups', args.channel)}, then ${this.nextCommand('dlq', 'redrive', args.channel, '--cause', 'FINGERPRINT', '--dry-run')}`,
      });
    const connected = await this.connect({
      verb: 'dlq triage',
      needs: ['deadLetters', 'look', 'publish'],
      changes: true,
    });
    const environment = await this.environment();
    const jobs = redriveJobs(environment.stateFolder);
    const spool = await openSpool(environment.stateFolder);
    try {
      const shelf = await this.#look(connected, spool);
      if (shelf === null) return;
      await this.#decide(connected, jobs, shelf);
    } finally {
      await spool.close();
    }
  }

  /** null: there is nothing to decide. */
  async #look(
    connected: Connected<'look' | 'deadLetters' | 'publish'>,
    spool: Parameters<typeof Shelf.fill>[2],
  ): Promise<Shelf | null> {
    const { flags, args, output } = this;
    const { channel } = args;
    const { createExpressionFilter } = await import('../../lib/filter/filter.ts');
    const keep = await createExpressionFilter(flags.filter, (text) => output.warn(text));
    const { driver, declaration, context } = connected;
    const source = { driver, declaration };
    const { waiting } = await driver.look.appraise(channel, this.signal);
    const wanted = waiting === null ? flags.limit : Math.min(flags.limit, Math.max(1, waiting));
    let asked = false;
    const agree = async (question: string): Promise<boolean> => {
      asked = true;
      return this.confirm(question, { yes: false });
    };
    const terms = { wanted, context, acceptCost: false, agree };
    const { appraisal, takeAtMost, cost } = await agreeToLook(source, channel, terms, this.signal);
    if (cost !== '' && !asked && waiting !== 0 && !(await agree(`${cost}: look at ${countText(wanted)}?`)))
      throw new UsageError('not done');
    const place = await this.registryPlace(undefined);
    const decode = await registryDecoder(place, (text) => output.warn(text), this.signal);
    const progress = new Progress(output, 'dead letters looked at', takeAtMost ?? appraisal.waiting);
    const shelf = await Shelf.fill(
      source,
      { channel, keep, decode, limit: flags.limit, takeAtMost },
      spool,
      (count) => progress.add(count),
      this.signal,
    ).finally(() => progress.finish());
    if (takeAtMost !== null) output.note(lookCostText({ ...appraisal, ...shelf.report }));
    if (shelf.letters.length > 0) return shelf;
    output.note(`no dead letter to decide on in "${channel}"`);
    return null;
  }

  async #decide(
    { driver, declaration, context }: Connected<'look' | 'deadLetters' | 'publish'>,
    jobs: ReturnType<typeof redriveJobs>,
    shelf: Shelf,
  ): Promise<void> {
    const { args, flags, output } = this;
    const { channel } = args;
    const archive = flags['archive-file'] ?? archiveName(channel, new Date());
    const planned: { current: Prepared | null; lines: readonly string[] } = { current: null, lines: [] };
    const discard = async (): Promise<void> => {
      const { current } = planned;
      planned.current = null;
      if (current !== null) await jobs.remove(current.job.id);
    };
    const check = flags['no-schema-check'] ? null : await editCheck(await this.registryPlace(undefined));
    const plan = async (marks: Marks): Promise<readonly string[]> => {
      await discard();
      const request = { ...this.#request(shelf, marks, context), check };
      planned.current = await prepareRedrive({ driver, declaration }, jobs, request, this.signal);
      planned.lines = this.#told(planned.current, marks, archive);
      return planned.lines;
    };
    let answer: TriageAnswer;
    try {
      answer = await this.#ask(shelf, plan, discard, driver.target);
    } catch (error) {
      await discard();
      throw error;
    }
    const { marks } = answer;
    const { current } = planned;
    if (!answer.confirmed || current === null) {
      await discard();
      output.note('nothing was done');
      this.#tellCommands(shelf, marks, archive, null);
      return;
    }
    for (const line of planned.lines) output.note(line);
    const moves = current.totals.selected > 0;
    this.#tellCommands(shelf, marks, archive, moves ? current.planPath : null);
    if (markedCount(marks, 'archive') > 0) {
      try {
        await archiveMarked(shelf, marks, archive, { channel, target: driver.target });
      } catch (error) {
        await discard(); // it comes first, so that nothing is moved where it fails
        throw error;
      }
      output.note(`${countOf(markedCount(marks, 'archive'), 'is', 'are')} in ${archive}`);
    }
    if (moves) await DlqRedrive.run([channel, ...this.#runWords(current, context)], this.config);
    else await discard();
  }

  async #ask(
    shelf: Shelf,
    plan: (marks: Marks) => Promise<readonly string[]>,
    discard: () => Promise<void>,
    target: string,
  ): Promise<TriageAnswer> {
    const { askForTriage } = await import('../../lib/prompt/triage/screen.ts');
    const { startTriage } = await import('../../lib/prompt/triage/model.ts');
    const start = startTriage({
      title: `${this.args.channel} at ${target}`,
      letters: shelf.letters,
      causes: shelf.causes.map((group) => ({
        id: group.group ?? '',
        title: [group.class, group.message].filter((part) => part !== null).join(': ') || 'not said',
        facts: causeFacts(group),
      })),
      actions: ['redrive', 'quarantine', 'archive', 'skip'],
      notice: shelf.complete ? null : `the first ${countText(this.flags.limit)}; --limit N looks at more`,
    });
    const refuseEdit = (text: string): string | null => {
      try {
        parseSet(text);
        return null;
      } catch (error) {
        return errorText(error);
      }
    };
    const colour = this.output.talkColour;
    const read = (at: number) => shelf.message(at);
    return askForTriage({ start, colour, read, refuseEdit, plan, discard }, this.signal);
  }

  #request(shelf: Shelf, marks: Marks, context: Context): Parameters<typeof prepareRedrive>[2] {
    const { flags, args } = this;
    const reasons = [flags.reason ?? null, notesOf(marks)].filter((reason) => reason !== null);
    return {
      channel: args.channel,
      context: context.name,
      reason: reasons.length === 0 ? null : reasons.join('; '),
      selection: {
        keep: () => true,
        ids: null,
        causes: null,
        everything: false,
        limit: null,
        equalOnesAlike: false,
        decide: decideByMarks(shelf.letters, marks),
        messages: shelf.messages(),
      },
      to: null,
      keepHeaders: 'none',
      maxRedrives: flags['max-redrives'],
      treatAsNew: flags['treat-as-new'],
    };
  }

  #told(
    { job, totals, selection, changes, guarantee, blast, notes }: Prepared,
    marks: Marks,
    archive: string,
  ): readonly string[] {
    const { flags } = this;
    const { channel, target } = job;
    const lines: string[] = [];
    if (selection !== null && totals.selected > 0) {
      const going = [...selection.destinations.values()].reduce((sum, count) => sum + count, 0);
      const steps = flags['no-canary'] ? [] : Canary.steps(going);
      const watchMs = flags['canary-wait'] ?? watchMsFor(totals, null);
      const pace = going === 0 ? null : paceText(flags.rate, steps, watchMs);
      const place = { channel, target, guarantee };
      lines.push(...planLines({ ...totals, ...selection, ...place, changes, blast, notes, pace }));
    }
    if (markedCount(marks, 'quarantine') > 0 && (selection?.quarantined ?? null) === null)
      lines.push(
        `there is no "${channel}.quarantine": what would be put aside stays where it is; ${this.nextCommand('create', `${channel}.quarantine`)}`,
      );
    const archived = markedCount(marks, 'archive');
    if (archived > 0)
      lines.push(
        `${countOf(archived, 'is copied', 'are copied')} to ${archive}, and ${archived === 1 ? 'stays where it is' : 'stay where they are'}`,
      );
    return lines;
  }

  /** How fast, as it was said here; nothing where it is as usual. */
  #paceWords(): string[] {
    const { rate, 'no-canary': noCanary, 'canary-wait': wait } = this.flags;
    return [
      ...(rate === defaultRedriveRate ? [] : ['--rate', rate]),
      ...(noCanary ? ['--no-canary'] : []),
      ...(wait === undefined ? [] : ['--canary-wait', `${wait.toString()}ms`]),
    ];
  }

  /** What was confirmed is run as the job that it is. */
  #runWords({ job }: Prepared, context: Context): string[] {
    const { flags } = this;
    const chosen = flags.context ?? (context.origin.kind === 'url' ? undefined : context.name);
    return [
      ...['--resume', job.id, '--yes', ...this.#paceWords()],
      ...(flags['treat-as-new'] ? ['--treat-as-new'] : []),
      ...(chosen === undefined ? [] : ['--context', chosen]),
      ...(flags.quiet ? ['--quiet'] : []),
      ...(flags.debug ? ['--debug'] : []),
      ...(flags['no-color'] ? ['--no-color'] : []),
    ];
  }

  /** How the same is done without a screen. */
  #tellCommands(shelf: Shelf, marks: Marks, archive: string, planPath: string | null): void {
    const { output, args, flags } = this;
    const { letters, complete: all } = shelf;
    const { channel } = args;
    const filter = flags.filter ?? null;
    const shown = { channel, letters, filter, complete: all, archive, pace: this.#paceWords() };
    const { commands, complete } = sameCommands(shown, marks);
    const told = commands.map((words) => this.nextCommand(...words));
    if (planPath !== null) told.push(this.nextCommand('dlq', 'redrive', args.channel, '--apply', planPath));
    if (told.length === 0) return;
    const rest = complete || planPath !== null ? '' : ', but for what only a plan can say';
    output.note(
      planPath === null
        ? `the same without a screen${rest}:`
        : 'the same without a screen, the last one exactly what was planned:',
    );
    for (const line of told) output.note(`  ${line}`);
  }
}

/** A file's name for any channel's. */
function archiveName(channel: string, now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+Z$/g, '');
  return `${channel.replace(/[^\w.-]+/g, '_').replace(/^\.+/, '')}-${time}.ndjson`;
}

function causeFacts(group: Shelf['causes'][number]): readonly (readonly [string, string])[] {
  const { parts } = group.fingerprint ?? {};
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['class', parts?.class],
    ['message', parts?.message],
    ['frame', parts?.frame],
    ['of', group.channels.join(', ')],
    ['by', group.consumers.join(', ')],
    ['first', group.firstAt === null ? null : timeText(group.firstAt)],
    ['last', group.lastAt === null ? null : timeText(group.lastAt)],
    ['duplicates', group.duplicates === 0 ? null : countText(group.duplicates)],
  ];
  return facts.flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[name, value] as const],
  );
}
