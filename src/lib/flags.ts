/** Flags and arguments that several commands have: the same word means the same everywhere. */
import { Args, Flags } from '@oclif/core';
import { UsageError } from './errors.ts';
import { parseDuration } from './input/duration.ts';

/** A flag that takes `30s`, `5m`, …; the value is milliseconds. */
export const durationFlag = Flags.custom<number>({
  parse: async (text) => parseDuration(text),
  helpValue: 'DURATION',
});

/** A flag that takes a whole number from 0. */
export const countFlag = Flags.custom<number>({
  parse: async (text) => {
    if (!/^\d{1,15}$/.test(text)) throw new UsageError(`"${text}" is no whole number`);
    return Number(text);
  },
  helpValue: 'N',
});

/** Flags of every command that changes something. */
export const changeFlags = {
  yes: Flags.boolean({ char: 'y', summary: 'Do it without asking', helpGroup: 'CHANGE' }),
  'dry-run': Flags.boolean({ summary: 'Show what would be done, and do nothing', helpGroup: 'CHANGE' }),
  reason: Flags.string({
    summary: 'Why, kept with the record of what was done',
    helpGroup: 'CHANGE',
    helpValue: 'TEXT',
  }),
};

/** Where no record of the act is kept: whoever keeps what the command says has it there. */
export const toldReasonFlag = Flags.string({
  summary: 'Why: told with what is done',
  helpGroup: 'CHANGE',
  helpValue: 'TEXT',
});

/** `-o` with the formats that this command has. */
export function outputFlag<const Format extends string>(formats: readonly Format[], description?: string) {
  return Flags.option({
    char: 'o',
    summary: description ?? `Output format (${formats.join(', ')})`,
    helpValue: 'FORMAT',
    helpGroup: 'OUTPUT',
    options: formats,
  })();
}

/** `--accept-cost`; `helpGroup` is the section of the command's help that it stands in. */
export function acceptCostFlag(helpGroup: 'COST' | 'TAKE') {
  return Flags.boolean({ summary: 'In a read-only context, look although it costs something', helpGroup });
}

/** Which dead letters: the same words wherever they are chosen. */
export function chosenDeadLetterFlags(helpGroup: 'FILTER' | 'SELECTION') {
  return {
    from: Flags.string({
      summary:
        'Where to begin, as in consume: an offset, 0:42,1:17, @-1h, …; where positions can be looked at',
      helpValue: 'POSITION',
      helpGroup,
    }),
    until: Flags.string({
      summary: 'Where to end, exclusive; the same grammar',
      helpValue: 'POSITION',
      helpGroup,
    }),
    filter: Flags.string({ summary: 'Only what this CEL expression keeps', helpValue: 'CEL', helpGroup }),
    cause: Flags.string({
      multiple: true,
      summary: 'Only this cause: its fingerprint or the beginning of it (repeatable)',
      helpValue: 'FINGERPRINT',
      helpGroup,
    }),
  };
}

/** Which of those, where single ones can be named. */
export const pickedDeadLetterFlags = {
  ...chosenDeadLetterFlags('SELECTION'),
  id: Flags.string({
    multiple: true,
    summary: 'Only this one: its id, PARTITION:OFFSET, or the hash by which it is named (repeatable)',
    helpValue: 'ID',
    helpGroup: 'SELECTION',
  }),
  limit: countFlag({ char: 'n', summary: 'The first N of them', helpGroup: 'SELECTION' }),
};

/** What was redriven so often already is put aside. */
export const defaultMaxRedrives = 3;
export const defaultRedriveRate = '50/s';

/** How fast dead letters go back: the same wherever a redrive begins or goes on. */
export const paceFlags = {
  rate: Flags.string({
    summary: 'At most so many: 50/s, 600/m, or max',
    default: defaultRedriveRate,
    helpValue: 'RATE',
    helpGroup: 'PACE',
  }),
  'canary-wait': durationFlag({
    summary:
      'How long each step of the ramp is watched (10s, or twice what failing took, as the headers say)',
    helpGroup: 'PACE',
  }),
  'no-canary': Flags.boolean({ summary: 'No ramp: begin with the full rate', helpGroup: 'PACE' }),
};

export const noSchemaCheckFlag = Flags.boolean({
  summary: 'Send edited messages without asking the registry of the context whether they fit their schema',
  helpGroup: 'PLAN',
});

/** Without `ignoreStdin`, a missing argument would swallow what is piped in. */
export const channelArgument = Args.string({
  required: true,
  ignoreStdin: true,
  description: 'topic, queue, stream: whatever the system calls it',
});
