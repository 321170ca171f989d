import { Config } from '@oclif/core/config';
import { sourceOptions } from '../../scripts/source-options.ts';

export const surfaceFile = new URL('surface.json', import.meta.url);

/** Each command with its arguments, aliases and flags, a flag with its short form and its choices. */
export async function readSurface(): Promise<Record<string, readonly string[]>> {
  const { commands } = await Config.load(sourceOptions());
  const surface = commands
    .filter(({ id, aliases }) => !aliases.includes(id))
    .map(
      ({ id, args, aliases, flags }) =>
        [
          id.replaceAll(':', ' '),
          [
            ...Object.keys(args).map((name) => name.toUpperCase()),
            ...aliases.map((alias) => `alias ${alias.replaceAll(':', ' ')}`),
            ...Object.values(flags)
              .map((flag) => {
                const choices =
                  flag.type === 'option' && flag.options !== undefined ? ` ${flag.options.join('|')}` : '';
                return `--${flag.name}${flag.char === undefined ? '' : ` -${flag.char}`}${choices}`;
              })
              .sort(),
          ],
        ] as const,
    );
  return Object.fromEntries(surface.sort(([one], [other]) => (one < other ? -1 : 1)));
}
