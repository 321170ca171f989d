import type { Hook } from '@oclif/core';
import { UsageError } from './errors.ts';
import { nearest } from './nearest.ts';

/** `mqctl consum orders` → what was probably meant; exit 2. The id holds every word before the first flag. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  if (id.startsWith('-'))
    throw new UsageError(`the command comes before its flags, and "${id}" is a flag`, {
      hint: `write mqctl COMMAND ${id} …; mqctl --help lists the commands`,
    });
  const words = id.split(/[: ]/);
  const names = config.commands
    .filter(({ hidden }) => hidden !== true)
    .flatMap((command) => [command.id, ...command.aliases])
    .map((name) => name.replaceAll(':', ' '));
  const isTopic = names.some((name) => name.startsWith(`${words[0] ?? ''} `));
  const typed = words.slice(0, isTopic ? 2 : 1).join(' ');
  const meant = nearest(typed, names);
  throw new UsageError(`there is no command "${typed}"`, {
    hint: meant === null ? 'mqctl --help lists them' : `did you mean "mqctl ${meant}"?`,
  });
};

export default commandNotFound;
