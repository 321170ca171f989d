import assert from 'node:assert/strict';
import test from 'node:test';

import { hasPlaceholder, parseTemplate, type Template } from '../../../src/lib/config/placeholder.ts';
import { UsageError } from '../../../src/lib/errors.ts';

const templates: readonly (readonly [string, Template])[] = [
  ['', []],
  ['plain $HOME {x}', ['plain $HOME {x}']],
  ['${env:NAME}', [{ kind: 'env', argument: 'NAME' }]],
  ['a${file:~/p}b', ['a', { kind: 'file', argument: '~/p' }, 'b']],
  ['${cmd:pass show x}', [{ kind: 'cmd', argument: 'pass show x' }]],
  ["${cmd:awk '{print ${N}}' f}!", [{ kind: 'cmd', argument: "awk '{print ${N}}' f" }, '!']],
  ['${ask}', [{ kind: 'ask', argument: '' }]],
  ['${ask:Password of prod}', [{ kind: 'ask', argument: 'Password of prod' }]],
  ['$${env:NAME}', ['${env:NAME}']],
];

for (const [text, expected] of templates) {
  test(`${JSON.stringify(text)} is split into its parts`, () => {
    assert.deepEqual(parseTemplate(text, 'password'), expected);
    assert.equal(
      hasPlaceholder(text),
      expected.some((part) => typeof part !== 'string'),
    );
  });
}

for (const text of ['${env:NAME', '${NAME}', '${env:}', '${env: }', '${vault:x}', '${asking}']) {
  test(`${text} is refused with its field, not with its text`, () => {
    assert.throws(
      () => parseTemplate(`topsecret${text}`, 'password'),
      (error) =>
        error instanceof UsageError && /^password: /.test(error.message) && !/topsecret/.test(error.message),
    );
  });
}
