import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { changeFlags, channelArgument, countFlag, outputFlag, toldReasonFlag } from '../lib/flags.ts';
import type { CreateRequest, Declaration, Driver } from '../lib/drivers/driver.ts';
import { FailedError, NotFoundError, UsageError } from '../lib/errors.ts';
import { parseAssignments } from '../lib/input/assignment.ts';
import { printFields } from '../lib/output/fields.ts';

export default class Create extends BaseCommand<typeof Create> {
  static override summary = 'Create a channel';
  static override description =
    'Creates a topic, queue or stream with the settings that matter. An existing one is never changed: exit 1.';
  static override examples = [
    {
      description: 'A Kafka topic that keeps a week',
      command: '<%= config.bin %> create orders --partitions 6 --setting retention.ms=604800000',
    },
    {
      description: 'A RabbitMQ quorum queue with its dead letters',
      command: '<%= config.bin %> create orders --type quorum --dead-letter orders.dlq',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    partitions: countFlag({ summary: 'How many partitions' }),
    type: Flags.string({ summary: 'classic, quorum, stream, …: what the system has', helpValue: 'TYPE' }),
    setting: Flags.string({
      char: 's',
      multiple: true,
      summary: "The system's own setting (repeatable)",
      helpValue: 'NAME=VALUE',
    }),
    'dead-letter': Flags.string({ summary: 'Where its dead letters go', helpValue: 'CHANNEL' }),
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const request = {
      channel: args.channel,
      type: flags.type ?? null,
      partitions: flags.partitions ?? null,
      settings: parseAssignments(flags.setting ?? [], '--setting'),
      deadLetter: flags['dead-letter'] ?? null,
    };
    const { driver } = await this.connect({
      verb: 'create',
      needs: ['admin'],
      changes: !flags['dry-run'],
      check: (declared) => checkRequest(declared, request),
    });
    this.tellReason(flags.reason);
    if (flags['dry-run']) await this.#mustBeMissing(driver, request.channel);
    else await driver.admin.create(request, this.signal);
    const created = flags['dry-run'] ? 'would create' : 'created';
    if (flags.output === 'json')
      await this.output.printJson({
        ...request,
        created: !flags['dry-run'],
        reason: flags.reason ?? null,
      });
    else
      await printFields(this.output, [
        [created, request.channel],
        ['type', request.type],
        ['partitions', request.partitions?.toString() ?? null],
        ['dead letters go to', request.deadLetter],
        ...Object.entries(request.settings),
      ]);
  }

  async #mustBeMissing(driver: Driver, channel: string): Promise<void> {
    try {
      await driver.describe(channel, this.signal);
    } catch (error) {
      if (error instanceof NotFoundError) return;
      throw error;
    }
    throw new FailedError(`"${channel}" is there already at ${driver.target}`, { code: 'EXISTS' });
  }
}

function checkRequest(
  { system, channelWord, facets: { admin } }: Declaration,
  { type, partitions }: CreateRequest,
): void {
  if (type !== null && admin?.types.includes(type) === false) {
    throw new UsageError(`${system} has no type "${type}"`, { hint: `known are ${admin.types.join(', ')}` });
  }
  if (partitions !== null && admin?.partitions === false)
    throw new UsageError(`a ${channelWord} of ${system} has no partitions`);
}
