import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterKey, firstState, type WatchState } from '../../../../src/lib/views/lag/watch-state.ts';

/** The state after these keys, where `mostTop` rows can be scrolled over. */
function after(keys: readonly string[], mostTop: number, state: WatchState = firstState): WatchState {
  return keys.reduce(
    (before, name) => afterKey(before, { name, text: name.length === 1 ? name : null }, mostTop),
    state,
  );
}

test('the first up after scrolling past the end scrolls back', () => {
  assert.equal(after(['down', 'down', 'down', 'down', 'down'], 2).top, 2);
  assert.equal(after(['down', 'down', 'down', 'down', 'down', 'up'], 2).top, 1);
  assert.equal(after(['down', 'up', 'up'], 2).top, 0);
});

test('the first up scrolls back also where rows have gone since', () => {
  assert.equal(after(['up'], 2, { ...firstState, top: 9 }).top, 1);
});

test('every change of the filter shows the list from its first row', () => {
  const typing = { ...firstState, typing: true, filter: 'or', top: 3 };
  for (const key of ['d', 'backspace', 'escape']) assert.equal(after([key], 5, typing).top, 0, key);
});
