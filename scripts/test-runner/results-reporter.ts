/** A reporter for `node --test`: one line of JSON for each test, for the closing lines of `npm test`. */
import type { TestEvent } from 'node:test/reporters';

const statuses = ['passed', 'failed', 'skipped', 'not applicable'] as const;

export interface TestResult {
  /** The names of the suites around it, and its own. */
  readonly path: readonly string[];
  readonly status: (typeof statuses)[number];
  /** Why it was skipped, or how it failed. */
  readonly reason: string | null;
}

/** So much of a failure is repeated at the end: a log may keep only its last lines. */
const failureLines = 12;

/** What a test says in its reason for skipping when the system under test has not got what it tests. */
export const notApplicable = 'not applicable: ';

export default async function* results(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const event of source) {
    if (event.type === 'test:start') {
      names.length = event.data.nesting;
      names.push(event.data.name);
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details.type === 'suite') continue;
    const path = [...names.slice(0, event.data.nesting), event.data.name];
    const result: TestResult = { path, ...judge(event) };
    yield `${JSON.stringify(result)}\n`;
  }
}

function judge(event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>): Omit<TestResult, 'path'> {
  const { skip } = event.data;
  if (event.type === 'test:fail') return { status: 'failed', reason: failureOf(event.data.details.error) };
  if (skip === undefined || skip === false) return { status: 'passed', reason: null };
  const reason = typeof skip === 'string' ? skip : 'no reason given';
  return { status: reason.startsWith(notApplicable) ? 'not applicable' : 'skipped', reason };
}

/** The error of the test itself, which the runner wraps: its message and the first places it came through. */
function failureOf(error: Error): string {
  const { cause } = error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : error.message;
  return text.split('\n').slice(0, failureLines).join('\n');
}

/** Reads what the reporter wrote. Throws for a line that is none of its own. */
export function readResults(text: string): TestResult[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const parsed: unknown = JSON.parse(line);
      const { path, status, reason }: Partial<Record<string, unknown>> = { ...(parsed ?? {}) };
      const known = statuses.find((one) => one === status);
      if (!Array.isArray(path) || known === undefined) throw new Error(`no result of a test: ${line}`);
      return { path: path.map(String), status: known, reason: typeof reason === 'string' ? reason : null };
    });
}
