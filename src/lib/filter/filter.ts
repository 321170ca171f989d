/** Which messages are kept: `--key`, `--header`, `--grep` and `--filter` together, all of which must agree. */

import { UsageError, errorText } from '../errors.ts';
import type { HeaderValue, Message } from '../message/message.ts';
import { looseText } from '../message/text.ts';

export type Filter = (message: Message) => boolean;

export interface FilterOptions {
  /** A CEL expression; see `cel-filter.ts`. */
  readonly filter: string | null;
  /**
   * A JavaScript regular expression, looked for in the value's text (`(?i:…)` ignores case). It is the user's own, so
   * it is not bounded: one that backtracks without end is as slow as the user wrote it.
   */
  readonly grep: string | null;
  /** The whole key, byte for byte. */
  readonly key: string | null;
  /** `NAME=VALUE`, or `NAME` for any value; all of them must be there, each once or more. */
  readonly headers: readonly string[];
  /** Told once, of the first message that the CEL expression could not be applied to for another reason than a missing field. */
  readonly onMismatch?: (reason: string) => void;
}

/** Keeps everything where nothing is asked for. Throws `UsageError` for an expression that is none. */
export async function createFilter(options: FilterOptions): Promise<Filter> {
  const filters: Filter[] = []; // the cheap ones first
  if (options.key !== null) filters.push(keyFilter(options.key));
  filters.push(...options.headers.map(headerFilter));
  if (options.grep !== null) filters.push(grepFilter(options.grep));
  if (options.filter !== null) {
    const { celFilter } = await import('./cel-filter.ts'); // its library costs 37 ms
    filters.push(celFilter(options.filter, options.onMismatch));
  }
  const [only, ...others] = filters;
  if (only === undefined) return () => true;
  return others.length === 0 ? only : (message) => filters.every((filter) => filter(message));
}

function keyFilter(key: string): Filter {
  const wanted = Buffer.from(key);
  return (message) => message.key !== null && wanted.equals(message.key);
}

function headerFilter(text: string): Filter {
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  if (name === '')
    throw new UsageError(`--header ${JSON.stringify(text)} names no header`, {
      hint: 'write --header NAME=VALUE',
    });
  if (equals === -1) return ({ headers }) => headers.some((header) => header.name === name);
  const value = text.slice(equals + 1);
  const bytes = Buffer.from(value);
  const isWanted = (found: HeaderValue): boolean => {
    if (found === null) return false;
    return found instanceof Uint8Array ? bytes.equals(found) : found.value === value;
  };
  return ({ headers }) => headers.some((header) => header.name === name && isWanted(header.value));
}

function grepFilter(text: string): Filter {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text);
  } catch (error) {
    throw new UsageError(`--grep: ${errorText(error)}`, { hint: 'it is a JavaScript regular expression' });
  }
  return ({ value }) => value !== null && pattern.test(looseText(value));
}

/** By an expression alone; a message to which it could not be applied is told to `warn`, once. Throws `UsageError`. */
export function createExpressionFilter(
  expression: string | undefined,
  warn: (text: string) => void,
): Promise<Filter> {
  return createFilter({
    filter: expression ?? null,
    grep: null,
    key: null,
    headers: [],
    onMismatch: (reason) => warn(`the filter could not be applied to a message: ${reason}`),
  });
}
