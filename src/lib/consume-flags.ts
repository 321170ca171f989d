/** The flags of `consume`: which messages, how they are taken, and how they are written out. */
import { Flags } from '@oclif/core';
import { acceptCostFlag, countFlag, durationFlag } from './flags.ts';
import { messageFormats } from './output/message-format.ts';

const execInputs = ['value', 'record'] as const;
/** How often a command is run on a message before it is given up. */
export const defaultMaxAttempts = 3;
/** As `--backoff` takes it. */
export const defaultBackoff = '1s..30s';

export const consumeFlags = {
  from: Flags.string({
    summary: 'Where to begin: start, end-100, 42, after:42, @-1h, @2026-11-20, id:…, group:NAME, 0:42,1:17',
    helpValue: 'POSITION',
    helpGroup: 'RANGE',
  }),
  until: Flags.string({
    summary: 'Where to end, exclusive; the same grammar',
    helpValue: 'POSITION',
    helpGroup: 'RANGE',
  }),
  last: countFlag({
    summary: 'The last N over all partitions',
    exclusive: ['from', 'follow'],
    helpGroup: 'RANGE',
  }),
  limit: countFlag({ char: 'n', summary: 'Stop after N that match', helpGroup: 'RANGE' }),
  follow: Flags.boolean({ char: 'f', summary: 'Go on with what comes', helpGroup: 'RANGE' }),
  for: durationFlag({ summary: 'Stop after that time', helpGroup: 'RANGE' }),
  'idle-timeout': durationFlag({ summary: 'Stop when nothing came for that time', helpGroup: 'RANGE' }),
  partition: Flags.string({
    char: 'p',
    multiple: true,
    summary: 'Only this partition (repeatable)',
    helpValue: 'P',
    helpGroup: 'RANGE',
  }),
  'via-queue': Flags.boolean({
    summary:
      'Where the channel keeps nothing: through a temporary queue that is subscribed to it, and removed at the end',
    helpGroup: 'RANGE',
  }),
  uncommitted: Flags.boolean({
    summary: 'Also what open or aborted transactions wrote',
    helpGroup: 'RANGE',
  }),
  filter: Flags.string({
    summary: 'Only what this CEL expression keeps',
    helpValue: 'CEL',
    helpGroup: 'FILTER',
  }),
  grep: Flags.string({ summary: 'Only values that match', helpValue: 'RE', helpGroup: 'FILTER' }),
  key: Flags.string({ char: 'k', summary: 'Only this key', helpValue: 'K', helpGroup: 'FILTER' }),
  header: Flags.string({
    char: 'H',
    multiple: true,
    summary: 'Only with this header (repeatable)',
    helpValue: 'NAME=VALUE',
    helpGroup: 'FILTER',
  }),
  group: Flags.string({
    char: 'g',
    summary: 'Take as a member of this group, and commit what was written out',
    helpValue: 'GROUP',
    helpGroup: 'TAKE',
  }),
  join: Flags.boolean({
    summary: 'Join the group although it has members',
    dependsOn: ['group'],
    helpGroup: 'TAKE',
  }),
  ack: Flags.boolean({
    summary: 'Take from the channel, and settle what was written out',
    exclusive: ['group'],
    helpGroup: 'TAKE',
  }),
  prefetch: countFlag({
    summary: 'How many may be taken and not yet settled',
    default: 100,
    helpGroup: 'TAKE',
  }),
  exec: Flags.string({
    summary: 'Run this command line by sh for each message, and settle what it handled (exit 0)',
    helpValue: 'CMD',
    exclusive: ['output', 'forbid'],
    helpGroup: 'EXEC',
  }),
  'exec-input': Flags.option({
    options: execInputs,
    summary: 'What CMD gets on stdin: the value (as it is without this flag) or the whole record as JSON',
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  })(),
  'exec-timeout': durationFlag({
    summary: 'End CMD after that time: a failed attempt',
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  }),
  'max-attempts': countFlag({
    summary: `How often CMD is run on a message before it is given up (${defaultMaxAttempts.toString()})`,
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  }),
  backoff: Flags.string({
    summary: `Longest wait before the second attempt, doubled up to the second duration (${defaultBackoff})`,
    helpValue: 'DURATION[..DURATION]',
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  }),
  'dead-letter': Flags.string({
    summary: 'Where what is given up goes; without it the consuming ends there',
    helpValue: 'CHANNEL',
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  }),
  reject: Flags.boolean({
    summary: 'Refuse for good what is given up, so that the system makes a dead letter of it',
    dependsOn: ['exec'],
    exclusive: ['dead-letter'],
    helpGroup: 'EXEC',
  }),
  'no-breaker': Flags.boolean({
    summary: 'Go on however many messages are given up one after the other',
    dependsOn: ['exec'],
    helpGroup: 'EXEC',
  }),
  yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'TAKE' }),
  'accept-cost': acceptCostFlag('TAKE'),
  require: countFlag({ summary: 'Exit 3 when fewer matched', helpGroup: 'ANSWER' }),
  forbid: Flags.boolean({
    summary: 'Exit 3 at the first match',
    exclusive: ['require'],
    helpGroup: 'ANSWER',
  }),
  decode: Flags.option({
    options: ['auto', 'json', 'none'] as const,
    default: 'auto',
    summary: 'auto: by the schema registry that the context names; the bytes stay in the record',
    helpGroup: 'OUTPUT',
  })(),
  registry: Flags.string({
    summary: 'Decode by this registry, in the place of the one that the context names',
    helpValue: 'URL',
    helpGroup: 'OUTPUT',
  }),
  output: Flags.string({
    char: 'o',
    summary: `${messageFormats.join(', ')}, fmt='%t %p %o %k\\t%s\\n'; pretty on a terminal, ndjson when piped`,
    helpValue: 'FORMAT',
    helpGroup: 'OUTPUT',
  }),
};
