import type { Hook } from '@oclif/core';
import { UsageError } from './errors.ts';
import { nearest } from './nearest.ts';

/** `mqctl consum` → what was probably meant; exit 2. */
const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = id.replaceAll(':', ' ');
  const names = config.commands.filter(({ hidden }) => hidden !== true).flatMap((command) => [command.id, ...command.aliases]);
  const meant = nearest(
    typed,
    names.map((name) => name.replaceAll(':', ' ')),
  );
  throw new UsageError(`there is no command "${typed}"`, {
    hint: meant === null ? 'mqctl --help lists them' : `did you mean "mqctl ${meant}"?`,
  });
};

export default commandNotFound;
