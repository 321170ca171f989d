import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingOutput } from './recording-output.ts';

test('notes are for people: stderr, one line for each, silenced by --quiet; warnings and errors are not', () => {
  const { output, written, said } = recordingOutput(null);
  output.note('one\ntwo \u001b[31m');
  output.configure({ quiet: true, debug: false, noColour: true, jsonErrors: false });
  output.note('not said');
  output.warn('careful');
  output.error({ code: 'FAILED', message: 'it \u001b broke', hint: 'mend it', exit: 1 });
  assert.equal(written(), '');
  assert.equal(said(), 'one\ntwo \\x1b[31m\nwarning: careful\nmqctl: it \\x1b broke; mend it\n');
});

test('an error as JSON is one line with its code and exit', () => {
  const { output, said } = recordingOutput(null);
  output.configure({ quiet: false, debug: false, noColour: true, jsonErrors: true });
  output.error({ code: 'NOT_FOUND', message: 'no topic\n"x"', hint: undefined, exit: 1 });
  assert.equal(said().trimEnd().split('\n').length, 1);
  assert.deepEqual(JSON.parse(said()), {
    error: { code: 'NOT_FOUND', message: 'no topic\n"x"', hint: null, exit: 1 },
  });
});

test('a document is one line in a pipe, and indented and safe on a terminal', async () => {
  const piped = recordingOutput(null);
  await piped.output.printJson({ a: '\u009b' });
  assert.equal(piped.written().split('\n').length, 2);
  const terminal = recordingOutput(80);
  await terminal.output.printJson({ a: '\u009b' });
  assert.equal(terminal.written(), '{\n  "a": "\\u009b"\n}\n');
});
