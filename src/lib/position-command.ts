/** What the commands that set positions share: the plan, the guard, the question, the report. */
import { type Command, Flags } from '@oclif/core';
import { BaseCommand, type Connected } from './base.ts';
import { changeFlags, outputFlag } from './flags.ts';
import type { GroupMember } from './drivers/driver.ts';
import { FailedError, PartialError, UnsupportedError } from './errors.ts';
import type { MqctlError } from './errors.ts';
import { applyMoves, effective, markUndone } from './operations/change-positions.ts';
import type { MovesResult, PositionMove, PreparedMoves } from './operations/change-positions.ts';
import { placeText } from './operations/position-scope.ts';
import { printTable } from './output/table.ts';
import type { Column } from './output/table.ts';
import { countOf, countText, shortDuration, timeText } from './output/time.ts';

/** Flags of every command that sets positions. */
export const positionFlags = {
  ...changeFlags,
  'dry-run': Flags.boolean({
    summary: 'Only show the plan, even where somebody could be asked',
    helpGroup: 'CHANGE',
  }),
  output: outputFlag(['table', 'json']),
};

export const scopeFlags = {
  channel: Flags.string({
    multiple: true,
    summary: 'In this channel (repeatable)',
    helpValue: 'CHANNEL',
    helpGroup: 'SCOPE',
  }),
  'all-channels': Flags.boolean({
    summary: 'In every channel in which the group has committed something',
    exclusive: ['channel'],
    helpGroup: 'SCOPE',
  }),
  partition: Flags.string({
    char: 'p',
    multiple: true,
    summary: 'Only this partition (repeatable)',
    helpValue: 'P',
    helpGroup: 'SCOPE',
  }),
  clamp: Flags.boolean({
    summary: 'For an offset that is not there take the nearest that is',
    helpGroup: 'SCOPE',
  }),
};

export interface ChangeChoice {
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly reason: string | null;
  /** `reset`, `replay`: for the question. */
  readonly verb: string;
}

const told = 20;

export abstract class PositionCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Without --yes and nobody to ask, the plan is all: that is a dry run. */
  protected isDryRun({ yes, dryRun }: Pick<ChangeChoice, 'yes' | 'dryRun'>): boolean {
    return dryRun || (!yes && !this.canAsk);
  }

  /** Shows the plan; does it where that was agreed to. Throws what the exit code has to tell. */
  protected async carryOut(
    { driver, context }: Connected<'positions'>,
    prepared: PreparedMoves,
    choice: ChangeChoice,
  ): Promise<void> {
    const { output } = this;
    const { plan, moves, undoes } = prepared;
    const changed = effective(moves);
    if (!choice.json) await this.#showPlan(prepared);
    if (plan.refusal !== null) {
      if (choice.json) await output.printJson(documentOf(prepared, null));
      throw this.#refused(plan.refusal);
    }
    if (changed.length === 0) {
      if (choice.json) await output.printJson(documentOf(prepared, null));
      output.note(`the group "${plan.group}" stands there already`);
      if (undoes !== null && !this.isDryRun(choice))
        await markUndone(undoes, (await this.environment()).stateFolder);
      return;
    }
    if (this.isDryRun(choice)) {
      if (choice.json) await output.printJson(documentOf(prepared, null));
      output.note('nothing was changed: say --yes to do it');
      return;
    }
    const question = `${choice.verb} ${countText(changed.length)} ${changed.length === 1 ? 'position' : 'positions'} of "${plan.group}" at ${driver.target}?`;
    if (!(await this.confirm(question, { yes: choice.yes }))) {
      output.note('nothing was changed');
      return;
    }
    const { stateFolder } = await this.environment();
    const record = { stateFolder, context: context.name, reason: choice.reason };
    const result = await applyMoves(driver, prepared, record, this.signal);
    if (choice.json) await output.printJson(documentOf(prepared, result));
    this.#report(prepared, result);
  }

  async #showPlan({ plan, moves }: PreparedMoves): Promise<void> {
    const { output } = this;
    const clamped: Column<PreparedMoves['moves'][number]> = {
      header: 'CLAMPED',
      cell: ({ asked }) => (asked === null ? '' : `${asked} is not there`),
      paint: (text) => output.colour.yellow(text),
    };
    await printTable(
      output,
      [
        { header: 'CHANNEL', cell: ({ channel }) => channel },
        { header: 'PARTITION', align: 'right', cell: ({ partition }) => partition ?? '-' },
        { header: 'NOW', align: 'right', cell: ({ before }) => before ?? 'none' },
        { header: 'THEN', align: 'right', cell: ({ after }) => after ?? 'none' },
        { header: 'EFFECT', cell: effectText },
        { header: 'FROM', cell: ({ firstAt }) => (firstAt === null ? '-' : timeText(firstAt)) },
        { header: 'TO', cell: ({ lastAt }) => (lastAt === null ? '-' : timeText(lastAt)) },
        ...(moves.some(({ asked }) => asked !== null) ? [clamped] : []),
      ],
      moves,
    );
    for (const line of summaryOf(moves)) output.note(line);
    for (const note of plan.notes) output.note(note);
    if (plan.undo === 'watermark')
      output.note('an undo brings back where it begins, not what was settled out of order behind that');
    if (plan.undo === 'none') output.note('there is no undo: this system cannot tell where the group stood');
  }

  #refused({ code, reason, hint, members }: NonNullable<PreparedMoves['plan']['refusal']>): MqctlError {
    for (const member of members.slice(0, told)) this.output.note(`  ${memberText(member)}`);
    if (members.length > told) this.output.note(`  and ${countText(members.length - told)} more`);
    if (code === 'UNSUPPORTED') return new UnsupportedError(reason, { hint });
    return new FailedError(reason, { code, hint });
  }

  #report({ plan, undoes }: PreparedMoves, { job, outcomes, error }: MovesResult): void {
    const { output } = this;
    const selected = job.counts['selected'] ?? 0;
    const set = job.counts['set'] ?? 0;
    const back = this.nextCommand('offsets', 'undo', plan.group);
    for (const { move, outcome } of outcomes) {
      if (outcome.status === 'set') continue;
      const what = outcome.status === 'unknown' ? 'it is not known whether it was set' : 'not set';
      output.note(`${placeText(move.channel, move.partition)}: ${what}: ${outcome.reason}`);
    }
    if (error instanceof Error && set === 0) throw error;
    if (set < selected || error !== null) {
      const hint = `what was there is kept: ${back}`;
      this.signal.throwIfAborted();
      const text = `${countText(set)} of ${countText(selected)} positions were set${job.stoppedBy === null ? '' : `: ${job.stoppedBy}`}`;
      throw set === 0 ? new FailedError(text, { hint }) : new PartialError(text, { hint });
    }
    output.note(
      undoes === null
        ? `${countText(set)} set, kept as job ${job.id}; to put back what was there: ${back}`
        : `${countText(set)} put back as before job ${undoes.id}`,
    );
  }
}

function effectText({ effect, messages, before, after }: PositionMove): string {
  switch (effect) {
    case 'again':
      return `${countText(messages)} read again`;
    case 'skipped':
      return `${countText(messages)} skipped`;
    case 'none':
      return 'stands there';
    case 'unknown':
      if (before === null) return 'nothing is committed now';
      return after === null ? 'nothing is committed then' : 'not known';
  }
}

function memberText({ id, client, host, partitions }: GroupMember): string {
  const holds = partitions.map(({ channel, partition }) => placeText(channel, partition)).join(' ');
  return [id, client, host, holds === '' ? null : `holds ${holds}`]
    .filter((part) => part !== null)
    .join(', ');
}

/** `1,200 messages at most are read again, 12 min of them: from … to …`. */
function summaryOf(moves: readonly PositionMove[]): string[] {
  return totalsOf(moves).map(({ effect, messages, firstAt, lastAt }) => {
    const span =
      firstAt === null || lastAt === null
        ? ''
        : firstAt === lastAt
          ? `, of ${timeText(firstAt)}`
          : `: ${shortDuration(lastAt - firstAt)} of them, ${timeText(firstAt)} to ${timeText(lastAt)}`;
    const verb = messages === 1 ? 'is' : 'are';
    const what = effect === 'again' ? `${verb} read again` : `${verb} skipped`;
    return `${countOf(messages, 'message')} at most ${what}${span}`;
  });
}

function totalsOf(moves: readonly PositionMove[]) {
  return (['again', 'skipped'] as const).flatMap((effect) => {
    const some = moves.filter((move) => move.effect === effect);
    if (some.length === 0) return [];
    const times = (name: 'firstAt' | 'lastAt'): number[] =>
      some.flatMap((move) => (move[name] === null ? [] : [move[name]]));
    const least = times('firstAt').reduce((one, other) => Math.min(one, other), Infinity);
    const most = times('lastAt').reduce((one, other) => Math.max(one, other), -Infinity);
    return [
      {
        effect,
        positions: some.length,
        messages: some.reduce((sum, { messages }) => sum + (messages ?? 0), 0),
        firstAt: Number.isFinite(least) ? least : null,
        lastAt: Number.isFinite(most) ? most : null,
      },
    ];
  });
}

function documentOf({ plan, moves, undoes }: PreparedMoves, result: MovesResult | null): unknown {
  const time = (at: number | null): string | null => (at === null ? null : timeText(at));
  const outcomes = new Map(result?.outcomes.map(({ move, outcome }) => [move, outcome]));
  return {
    group: plan.group,
    kind: plan.kind,
    applied: result !== null,
    job: result?.job.id ?? null,
    state: result?.job.state ?? null,
    undoes: undoes?.id ?? null,
    totals: totalsOf(moves).map(({ firstAt, lastAt, ...rest }) => ({
      ...rest,
      firstAt: time(firstAt),
      lastAt: time(lastAt),
    })),
    positions: moves.map((move) => ({
      channel: move.channel,
      partition: move.partition,
      before: move.before,
      after: move.after,
      effect: move.effect,
      messages: move.messages,
      firstAt: time(move.firstAt),
      lastAt: time(move.lastAt),
      clampedFrom: move.asked,
      outcome: outcomes.get(move)?.status ?? null,
    })),
    refusal: plan.refusal,
    undo: plan.undo,
    notes: plan.notes,
  };
}
