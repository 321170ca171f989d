import assert from 'node:assert/strict';
import { test } from 'node:test';
import { colourLevel } from '../../../src/lib/output/colour.ts';

const level = (isTerminal: boolean, environment: Record<string, string>, off = false) =>
  colourLevel({ isTerminal, off, environment });

test('a pipe has no colour, a terminal as many as it says', () => {
  assert.equal(level(false, { TERM: 'xterm-256color' }), 0);
  assert.equal(level(true, { TERM: 'xterm' }), 1);
  assert.equal(level(true, { TERM: 'xterm-256color' }), 2);
  assert.equal(level(true, { TERM: 'xterm', COLORTERM: 'truecolor' }), 3);
  assert.equal(level(true, { TERM: 'dumb' }), 0);
});

test('NO_COLOR ends colour when it is not empty, also where it is forced', () => {
  assert.equal(level(true, { NO_COLOR: '1', TERM: 'xterm' }), 0);
  assert.equal(level(true, { NO_COLOR: '1', FORCE_COLOR: '3', TERM: 'xterm' }), 0);
  assert.equal(level(true, { NO_COLOR: '', TERM: 'xterm' }), 1);
});

test('FORCE_COLOR makes colour in a pipe, and 0 takes it away', () => {
  assert.equal(level(false, { FORCE_COLOR: '1' }), 1);
  assert.equal(level(false, { FORCE_COLOR: '' }), 1);
  assert.equal(level(false, { FORCE_COLOR: '3' }), 3);
  assert.equal(level(true, { FORCE_COLOR: '0', TERM: 'xterm' }), 0);
});

test('--no-color is above all of them', () => {
  assert.equal(level(true, { FORCE_COLOR: '3', COLORTERM: 'truecolor' }, true), 0);
});
