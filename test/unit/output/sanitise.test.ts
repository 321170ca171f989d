import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visible, visibleJson, visibleLines } from '../../../src/lib/output/sanitise.ts';

test('controls, DEL, C1 and reordering marks become visible; text, emoji and joiners stay', () => {
  assert.equal(visible('a\u001b[31mb\u0007\u007f\u009b'), 'a\\x1b[31mb\\x07\\x7f\\x9b');
  assert.equal(visible('one\ntwo\r\tthree'), 'one\\ntwo\\r\\tthree');
  assert.equal(visible('\u202eevil\u2066\u200e\ufeff'), '\\u202eevil\\u2066\\u200e\\ufeff');
  assert.equal(visible('漢字 ünï 👩‍👩‍👧'), '漢字 ünï 👩‍👩‍👧');
});

test('lines stay lines where several are shown, and a carriage return does not overwrite them', () => {
  assert.equal(visibleLines('one\n\ttwo\rthree\u001b[2J'), 'one\n\ttwo\\rthree\\x1b[2J');
});

test('JSON that was made safe is the same JSON', () => {
  const value = { text: 'a\u001b\u007f\u009b\u2028\u202e\ufeff"\\', 'na\u0085me': ['👍'] };
  const json = JSON.stringify(value, null, 2);
  const safe = visibleJson(json);
  assert.deepEqual(JSON.parse(safe), value);
  for (let code = 0x7f; code < 0xa0; code += 1) assert.ok(!safe.includes(String.fromCharCode(code)));
});
