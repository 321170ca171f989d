import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { acceptCostFlag, countFlag, durationFlag, outputFlag } from '../lib/flags.ts';
import { DeliveryMemory } from '../lib/dlq/delivery-margin.ts';
import { findDeadLetters } from '../lib/dlq/find.ts';
import { redriveJobs } from '../lib/dlq/jobs.ts';
import { AnswerIsNoError, UsageError } from '../lib/errors.ts';
import { parseAssignments } from '../lib/input/assignment.ts';
import type { CostlySample } from '../lib/operations/check/channel-sample.ts';
import { everyCheck } from '../lib/operations/check/every-check.ts';
import { runChecks } from '../lib/operations/check/run-checks.ts';
import { chosenChecks, parseSettings } from '../lib/operations/check/settings.ts';
import { readArrivals } from '../lib/operations/lag/read-arrivals.ts';
import { readLag } from '../lib/operations/lag/read-lag.ts';
import { checkFormats, countsText, printChecks } from '../lib/views/check/report.ts';

/** Earlier looks that are older say nothing. */
const windowMs = 3_600_000;

export default class Check extends BaseCommand<typeof Check> {
  static override strict = false;
  static override summary =
    'Is it fit for production, and well: each answer with evidence and the next command';
  static override description = `Every check is pass, warn, fail or unknown. Nothing is taken, joined or changed: where a look costs something, none is taken and the answer is unknown, unless --sample says how many may be looked at.

${everyCheck.map(({ id, about, limit }) => `${id}: ${about}${limit === null ? '' : ` (--set ${id}=${limit.value.toString()} ${limit.is})`}`).join('\n')}`;
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> check' },
    {
      description: 'One channel and one group, two questions',
      command: '<%= config.bin %> check orders billing --only lag-trend,clock',
    },
    {
      description: 'Ninety-nine of a hundred orders are paid within five seconds',
      command: '<%= config.bin %> check --only processing-time --between orders payments --p99 5s',
    },
    { description: 'In a pipeline', command: '<%= config.bin %> check orders -o junit > check.xml' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'channels or groups; all without' }),
  };
  static override flags = {
    only: Flags.string({
      multiple: true,
      delimiter: ',',
      summary: 'Only these checks (repeatable, or a list)',
      helpValue: 'ID',
    }),
    set: Flags.string({
      multiple: true,
      summary: 'Another limit for a check (repeatable)',
      helpValue: 'ID=VALUE',
    }),
    between: Flags.string({
      multiple: true,
      summary: 'The two channels of processing-time, say it twice or both at once',
      helpValue: 'CHANNEL',
    }),
    p99: durationFlag({ summary: 'The most that 99 of 100 may take between them' }),
    sample: countFlag({
      summary: 'Where a look costs something, look at the first N of each channel all the same',
      helpGroup: 'COST',
    }),
    yes: Flags.boolean({
      char: 'y',
      summary: 'Agree to what such a look costs, also where consumers work',
      helpGroup: 'COST',
    }),
    'look-again': Flags.boolean({
      summary: 'Look although messages there were near their delivery limit when last looked at',
      helpGroup: 'COST',
    }),
    'accept-cost': acceptCostFlag('COST'),
    output: outputFlag(checkFormats),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const checks = chosenChecks(flags.only ?? null);
    const settings = parseSettings(parseAssignments(flags.set ?? [], '--set'));
    const between = this.#between();
    const { driver, declaration, context } = await this.connect({
      verb: 'check',
      needs: ['backlog'],
      changes: false,
    });
    if (flags.sample !== undefined && context.readOnly && !flags['accept-cost'])
      throw new UsageError(`the context "${context.name}" is read-only, and a look may cost something`, {
        hint: 'to look all the same: --accept-cost',
      });
    const { stateFolder } = await this.environment();
    const subject = { backlog: driver.backlog, declaration, target: driver.target, stateFolder };
    const asksGroups = declaration.facets.backlog?.group === 'group';
    const checked = await runChecks(
      checks,
      this.words,
      {
        driver,
        declaration,
        settings,
        between,
        costlySample: this.#costlySample(driver.target, stateFolder),
        now: Date.now,
        deadLetters: async () =>
          (await findDeadLetters({ driver, declaration }, { match: null }, this.signal)).channels,
        lag: ({ groups, channels }) =>
          readLag(
            subject,
            {
              names: asksGroups ? groups : channels,
              channels: asksGroups ? channels : null,
              from: null,
              sampleMs: null,
              windowMs,
              explain: false,
              now: Date.now,
            },
            this.signal,
          ),
        arrivals: (channels) =>
          readArrivals(channels, { driver, declaration, stateFolder, windowMs, now: Date.now }, this.signal),
      },
      this.signal,
    );
    const results = checked.map((each) => ({
      ...each,
      next: each.next === null ? null : this.atThisPlace(each.next),
    }));
    await printChecks(this.output, flags.output ?? 'table', results, Date.now());
    this.output.note(countsText(results));
    const failed = results.filter(({ status }) => status === 'fail');
    if (failed.length > 0)
      throw new AnswerIsNoError(
        failed
          .map(({ id, subject: on, evidence }) => `${id}${on === null ? '' : ` of ${on}`}: ${evidence}`)
          .join('; '),
      );
  }

  /** Each look costs what is looked at a delivery: how many there were is remembered, so that checks by a timer use up none. */
  #costlySample(target: string, stateFolder: string): CostlySample | null {
    const { sample, yes, 'look-again': lookAgain } = this.flags;
    if (sample === undefined) return null;
    const memory = new DeliveryMemory(redriveJobs(stateFolder).deliveriesFolder);
    return {
      limit: sample,
      agreed: yes,
      refusal: async (channel, appraisal) => {
        if (lookAgain) return null;
        try {
          await memory.refuseKnown(target, channel, appraisal, 1);
          return null;
        } catch (error) {
          if (error instanceof UsageError) return error.message;
          throw error;
        }
      },
      onReport: async (channel, { looked, deliveryCount }) => {
        const count = deliveryCount === null ? '' : `, delivery count now ${deliveryCount.toString()}`;
        this.output.note(`"${channel}": looked at ${looked.toString()}${count}`);
        if (deliveryCount !== null) await memory.remember(target, channel, deliveryCount);
      },
    };
  }

  #between() {
    const { between, p99 } = this.flags;
    if (between === undefined && p99 === undefined) return null;
    const [from, to, ...others] = between ?? [];
    if (from === undefined || to === undefined || others.length > 0 || p99 === undefined)
      throw new UsageError('--between takes two channels, and --p99 the most that may lie between them', {
        hint: 'mqctl check --between orders payments --p99 5s',
      });
    return { from, to, p99Ms: p99 };
  }
}
