/** The flags of `dlq redrive`: what is selected, what becomes of it, how fast. */
import { Flags } from '@oclif/core';
import { keptHeaders } from './dlq/outgoing.ts';
import {
  countFlag,
  defaultMaxRedrives,
  durationFlag,
  noSchemaCheckFlag,
  paceFlags,
  pickedDeadLetterFlags,
} from './flags.ts';

const defaultInFlight = 100;

export const redriveFlags = {
  ...pickedDeadLetterFlags,
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
    exclusive: ['resume', 'from', 'until', 'filter', 'cause', 'id', 'limit', 'all', 'to'],
    helpGroup: 'PLAN',
  }),
  resume: Flags.string({
    summary: 'Go on with that job, or with the last one of this channel',
    helpValue: 'ID|last',
    exclusive: ['from', 'until', 'filter', 'cause', 'id', 'limit', 'all', 'to'],
    helpGroup: 'PLAN',
  }),
  ...paceFlags,
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
      ...[
        'from',
        'until',
        'filter',
        'cause',
        'id',
        'limit',
        'set',
        'patch',
        'apply',
        'resume',
        'plan',
        'copy',
      ],
      ...['quarantine', 'quarantine-unchanged', 'require-mark', 'lease', 'max-backlog'],
    ],
    helpGroup: 'PACE',
  }),
};
