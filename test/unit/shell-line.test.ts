import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellLine, shellWord } from '../../src/lib/shell-line.ts';

test('a word survives the shell, whatever is in it, and shows no control character', () => {
  for (const word of ['plain', 'with space', "it's", '$HOME `id` "x"', '注文', "a\u001b[31m\n'\\b", '']) {
    const quoted = shellWord(word);
    assert.doesNotMatch(quoted, /[\u0000-\u001f]/);
    assert.equal(
      execFileSync('bash', ['--norc', '-c', `printf %s ${quoted}`], {
        env: { LC_ALL: 'C.UTF-8' },
      }).toString(),
      word,
    );
  }
  assert.equal(shellWord('orders.dlq'), 'orders.dlq');
});

test('a command that names what a broker called something is safe to paste', () => {
  const name = 'a queue; touch $(hostname) "x"';
  const told = shellLine`printf %s ${name}`;
  assert.equal(execFileSync('bash', ['--norc', '-c', told]).toString(), name);
  assert.equal(
    shellLine`mqctl describe ${'orders'} --by ${'partition'}`,
    'mqctl describe orders --by partition',
  );
});
