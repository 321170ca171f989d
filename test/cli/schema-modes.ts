/** Versions of which each mode of `schema check` says something else. */
import assert from 'node:assert/strict';
import type { Ended } from './run-mqctl.ts';

const record = (...fields: readonly object[]) => ({ type: 'record', name: 'Order', fields });
const id = { name: 'id', type: 'int' };
const early = { name: 'early', type: 'int' };
const late = { name: 'late', type: 'int' };

export const first = record(id, early);
export const second = record(id, { ...early, default: 0 }, late);
/** It and the second read each other; it and the first do not. */
export const likeTheSecond = record(id, late);
/** The second reads it, and it does not read the second. */
export const unlikeTheSecond = record(id, late, { name: 'currency', type: 'string' });

const backward = ['second backward'];
const forward = ['second forward'];
const both = [...backward, ...forward];

/** What each mode compares, and how it ends for each of the two. */
export const modes: readonly {
  readonly mode: string;
  readonly compared: readonly string[];
  readonly like: 0 | 3;
  readonly unlike: 0 | 3;
}[] = [
  { mode: 'NONE', compared: [], like: 0, unlike: 0 },
  { mode: 'BACKWARD', compared: backward, like: 0, unlike: 3 },
  { mode: 'FORWARD', compared: forward, like: 0, unlike: 0 },
  { mode: 'FULL', compared: both, like: 0, unlike: 3 },
  { mode: 'BACKWARD_TRANSITIVE', compared: ['first backward', ...backward], like: 3, unlike: 3 },
  { mode: 'FORWARD_TRANSITIVE', compared: ['first forward', ...forward], like: 3, unlike: 3 },
  {
    mode: 'FULL_TRANSITIVE',
    compared: ['first backward', 'first forward', ...both],
    like: 3,
    unlike: 3,
  },
];

interface CheckDocument {
  readonly mode: string;
  readonly pairs: readonly { readonly version: string; readonly direction: string }[];
}

/** That an answer of `schema check -o json` is that of its mode; `names` is what the report calls the two versions. */
export function assertChecked(
  { code, stdout, stderr }: Ended,
  expected: { readonly mode: string; readonly compared: readonly string[]; readonly exit: 0 | 3 },
  names: { readonly first: RegExp; readonly second: RegExp },
): void {
  assert.equal(code, expected.exit, `${expected.mode}: ${stderr}`);
  const { mode, pairs } = JSON.parse(stdout.toString()) as CheckDocument;
  assert.equal(mode, expected.mode);
  const compared = pairs.map(({ version, direction }) => {
    if (names.first.test(version)) return `first ${direction}`;
    assert.match(version, names.second);
    return `second ${direction}`;
  });
  assert.deepEqual(compared, expected.compared, mode);
}
