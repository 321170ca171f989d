import { Chalk, type ChalkInstance } from 'chalk';

export type Colour = ChalkInstance;

type Level = 0 | 1 | 2 | 3;

export interface ColourSettings {
  readonly isTerminal: boolean;
  /** `--no-color` was given. */
  readonly off: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** chalk by itself ignores NO_COLOR (no-color.org), so the level is decided here: `--no-color`, NO_COLOR, FORCE_COLOR, terminal. */
export function makeColour(settings: ColourSettings): Colour {
  return new Chalk({ level: colourLevel(settings) });
}

/** How many colours: 0 none, 1 sixteen, 2 256, 3 all. NO_COLOR and --no-color win over FORCE_COLOR, which wins over what the terminal says. */
export function colourLevel({ isTerminal, off, environment }: ColourSettings): Level {
  if (off) return 0;
  if (environment['NO_COLOR'] !== undefined && environment['NO_COLOR'] !== '') return 0;
  const forced = environment['FORCE_COLOR'];
  if (forced !== undefined)
    return forced === '0' || forced === 'false' ? 0 : forced === '2' ? 2 : forced === '3' ? 3 : 1;
  if (!isTerminal || environment['TERM'] === 'dumb') return 0;
  if (environment['COLORTERM'] === 'truecolor' || environment['COLORTERM'] === '24bit') return 3;
  return environment['TERM']?.includes('256') === true ? 2 : 1;
}
