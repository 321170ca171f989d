/** The flags of `produce`: what is read, what each message gets, how it is sent. */
import { Flags } from '@oclif/core';
import type { DeliveryGuarantee } from './drivers/driver.ts';
import { changeFlags, countFlag, durationFlag, outputFlag } from './flags.ts';
import { inputFormats } from './input/messages.ts';
import { chosenFramings } from './schema/framing/chosen-framings.ts';

const deliveries = [
  'at-most-once',
  'at-least-once',
  'transactional',
] as const satisfies readonly DeliveryGuarantee[];
/** How long after a reply the next one is waited for. */
export const defaultReplyGapMs = 300;

export const produceFlags = {
  value: Flags.string({
    summary: 'The value; else it comes from --file or stdin',
    exclusive: ['file'],
    helpValue: 'TEXT',
    helpGroup: 'INPUT',
  }),
  file: Flags.string({
    multiple: true,
    summary: 'Read from a file (repeatable)',
    helpValue: 'F',
    helpGroup: 'INPUT',
  }),
  format: Flags.option({ options: inputFormats, summary: 'lines, raw or ndjson', helpGroup: 'INPUT' })(),
  'key-separator': Flags.string({
    summary: 'The key is what stands before it in each line',
    helpValue: 'SEP',
    helpGroup: 'INPUT',
  }),
  'null-value': Flags.string({
    summary: 'A value that is this becomes null, a tombstone',
    helpValue: 'MARK',
    helpGroup: 'INPUT',
  }),
  template: Flags.boolean({
    summary: 'Fill {{n}} {{uuid}} {{now}} {{random 1 100}} in value, key and headers',
    helpGroup: 'INPUT',
  }),
  count: countFlag({ summary: 'Make so many of each', default: 1, helpGroup: 'INPUT' }),
  key: Flags.string({ char: 'k', summary: 'The key', helpValue: 'K', helpGroup: 'MESSAGE' }),
  header: Flags.string({
    char: 'H',
    multiple: true,
    summary: 'A header (repeatable)',
    helpValue: 'NAME=VALUE',
    helpGroup: 'MESSAGE',
  }),
  property: Flags.string({
    multiple: true,
    summary: 'What the system keeps beside headers (repeatable)',
    helpValue: 'NAME=VALUE',
    helpGroup: 'MESSAGE',
  }),
  partition: Flags.string({
    char: 'p',
    summary: 'The partition; else the key decides',
    helpValue: 'P',
    helpGroup: 'MESSAGE',
  }),
  exchange: Flags.string({
    summary: 'Short for --property exchange=NAME',
    helpValue: 'NAME',
    helpGroup: 'MESSAGE',
  }),
  'routing-key': Flags.string({
    summary: 'Short for --property routingKey=KEY',
    helpValue: 'KEY',
    helpGroup: 'MESSAGE',
  }),
  envelope: Flags.boolean({
    summary: 'Wrap the value: message id, correlation id, type, time, version',
    helpGroup: 'MESSAGE',
  }),
  keep: Flags.option({
    options: ['partition', 'timestamp'] as const,
    multiple: true,
    delimiter: ',',
    summary: 'Of a record also its partition, its timestamp',
    helpGroup: 'MESSAGE',
  })(),
  delivery: Flags.option({
    options: deliveries,
    default: 'at-least-once',
    summary: 'transactional: all lines become visible, or none',
    helpGroup: 'DELIVERY',
  })(),
  compression: Flags.string({
    summary: 'gzip, snappy, lz4, zstd: what the system has',
    helpValue: 'CODEC',
    helpGroup: 'DELIVERY',
  }),
  rate: Flags.string({
    summary: 'At most so many: 50/s, 600/m, or max',
    helpValue: 'RATE',
    helpGroup: 'DELIVERY',
  }),
  request: Flags.boolean({
    summary: 'Wait for replies, and write them to stdout',
    exclusive: ['delivery', 'compression', 'rate', 'create'],
    helpGroup: 'REQUEST',
  }),
  replies: countFlag({
    summary: 'End after so many (1); 0: when no other came for --reply-timeout',
    dependsOn: ['request'],
    helpGroup: 'REQUEST',
  }),
  'reply-timeout': durationFlag({
    summary: `How long after a reply the next one is waited for (${defaultReplyGapMs.toString()}ms); the first: --timeout`,
    dependsOn: ['request'],
    helpGroup: 'REQUEST',
  }),
  'value-schema': Flags.string({
    summary: 'The value is JSON: encode it by this subject of the registry, or with --validate check it',
    helpValue: 'FILE|subject:NAME',
    helpGroup: 'SCHEMA',
  }),
  'key-schema': Flags.string({
    summary: 'The same for the key',
    helpValue: 'FILE|subject:NAME',
    helpGroup: 'SCHEMA',
  }),
  framing: Flags.option({
    options: chosenFramings,
    summary: `How the schema's id travels with what is encoded: ${chosenFramings.join(', ')} (confluent)`,
    helpValue: 'FRAMING',
    exclusive: ['validate'],
    helpGroup: 'SCHEMA',
  })(),
  validate: Flags.boolean({
    summary:
      'Only check, and send what was given as it is; by subject:CHANNEL-value where no schema is named',
    helpGroup: 'SCHEMA',
  }),
  'skip-invalid': Flags.boolean({
    summary: 'Send the rest, and exit 6; else nothing is sent where one line is invalid',
    helpGroup: 'SCHEMA',
  }),
  registry: Flags.string({
    summary: 'The registry, in the place of the one that the context names',
    helpValue: 'URL',
    helpGroup: 'SCHEMA',
  }),
  create: Flags.boolean({ summary: 'Create the channel when it is missing', helpGroup: 'DELIVERY' }),
  'dry-run': changeFlags['dry-run'],
  output: outputFlag(['table', 'json', 'ndjson']),
};
