/** Runs what may not end by itself, such as a `pattern` that backtracks: V8 stops it after a time. */
import { createContext, Script } from 'node:vm';

const script = new Script('run()');
const sandbox: { run: () => unknown } = { run: () => undefined };
const context = createContext(sandbox);

/** Thrown when the time is over. */
export class TimeOverError extends Error {}

/** The result of `work`, which must not be asynchronous. Throws `TimeOverError` after `timeMs`. */
export function bounded<Result>(work: () => Result, timeMs: number): Result {
  let result: { readonly value: Result } | null = null;
  sandbox.run = () => {
    result = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: timeMs });
  } catch (thrown) {
    if (isTimeout(thrown)) throw new TimeOverError('it did not end in time');
    throw thrown;
  }
  return valueOf(result);
}

function valueOf<Result>(result: { readonly value: Result } | null): Result {
  if (result === null) throw new TimeOverError('it gave no result');
  return result.value;
}

function isTimeout(thrown: unknown): boolean {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'code' in thrown &&
    thrown.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
