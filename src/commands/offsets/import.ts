import { Args, Flags } from '@oclif/core';
import type { PositionTarget } from '../../lib/drivers/driver.ts';
import { UsageError } from '../../lib/errors.ts';
import { parseOffsetsFile } from '../../lib/input/offsets-file.ts';
import type { FiledPosition } from '../../lib/input/offsets-file.ts';
import { fileSource, readWhole } from '../../lib/input/source.ts';
import type { Positions } from '../../lib/message/position.ts';
import { planReset } from '../../lib/operations/change-positions.ts';
import { countOf } from '../../lib/output/time.ts';
import { PositionCommand, positionFlags, scopeFlags } from '../../lib/position-command.ts';

const largestFile = 64 * 1024 * 1024;

export default class OffsetsImport extends PositionCommand<typeof OffsetsImport> {
  static override summary = 'Put a group where a file says: show what that means, and do it with --yes';
  static override description =
    'Reads what offsets export and kafka-consumer-groups --export write: CSV, topic,partition,offset or group,topic,partition,offset, or JSON. Of a file with several groups the lines of this one are taken. Plan, guard and undo are those of offsets reset.';
  static override examples = [
    {
      description: 'What would it mean?',
      command: '<%= config.bin %> offsets import billing --file billing.csv',
    },
    {
      description: 'The same group at another cluster',
      command:
        '<%= config.bin %> offsets export billing -c old | <%= config.bin %> offsets import billing -c new --yes',
    },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = {
    file: Flags.string({ summary: 'The file; stdin without it', helpValue: 'FILE', helpGroup: 'SCOPE' }),
    clamp: scopeFlags.clamp,
    ...positionFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const choice = {
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: flags.output === 'json',
      reason: flags.reason ?? null,
      verb: 'set',
    };
    if (flags.file === undefined && process.stdin.isTTY)
      throw new UsageError('from which file?', { hint: 'say --file FILE, or pipe one in' });
    const source = flags.file === undefined ? this.stdin() : fileSource(flags.file);
    const text = Buffer.from(await readWhole(source, largestFile)).toString('utf8');
    const filed = this.#ofGroup(parseOffsetsFile(text, source.name), source.name);
    const connected = await this.connect({
      verb: 'offsets import',
      needs: ['positions'],
      changes: !this.isDryRun(choice),
    });
    const prepared = await planReset(
      connected.driver,
      args.group,
      targetsIn(filed),
      flags.clamp,
      this.signal,
    );
    await this.carryOut(connected, prepared, choice);
  }

  #ofGroup(filed: readonly FiledPosition[], name: string): readonly FiledPosition[] {
    const { group } = this.args;
    // A file of one group may be meant for another: then it names none, or it is said in the file.
    const mine = filed.filter((each) => each.group === null || each.group === group);
    const others = new Set(filed.filter((each) => !mine.includes(each)).map((each) => each.group));
    if (mine.length === 0)
      throw new UsageError(`${name} has no positions of "${group}"`, {
        hint: `it has those of ${[...others].join(', ')}; without the group in front they are taken for any`,
      });
    if (others.size > 0)
      this.output.note(
        `${countOf(filed.length - mine.length, 'position of another group is', 'positions of other groups are')} left out: ${[...others].join(', ')}`,
      );
    return mine;
  }
}

function targetsIn(filed: readonly FiledPosition[]): PositionTarget[] {
  return [...Map.groupBy(filed, ({ channel }) => channel)].map(([channel, places]) => ({
    channel,
    to: positionsIn(places),
  }));
}

/** One for the channel, where it has no partitions. Throws `UsageError` for a file that says both. */
function positionsIn(places: readonly FiledPosition[]): Positions {
  const [whole] = places.filter(({ partition }) => partition === null);
  if (whole !== undefined && places.length > 1)
    throw new UsageError(`${whole.where}: ${whole.channel} stands there without a partition, and with one`);
  if (whole !== undefined) return { every: whole.position };
  return {
    byPartition: new Map(
      places.flatMap(({ partition, position }) => (partition === null ? [] : [[partition, position]])),
    ),
  };
}
