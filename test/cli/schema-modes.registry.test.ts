import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { assertChecked, first, likeTheSecond, modes, second } from './schema-modes.ts';
import { workplace } from './workplace.ts';

const skip = without('registry');
const api = '/apis/registry/v3';

test(
  "Apicurio's own API: register, ls and get tell the versions, and check asks for those of the subject's mode",
  { skip },
  async (t) => {
    const { folder, run, done } = await workplace(t, 'local:shop.db');
    const registry = ['--registry', addressOf('registry') + api];
    const subject = `modes-${randomUUID()}`;
    for (const [version, schema] of [first, second, likeTheSecond].entries())
      await writeFile(join(folder, `${version.toString()}.avsc`), JSON.stringify(schema));
    const dry = await done(['schema', 'register', subject, '0.avsc', '--dry-run', ...registry]);
    assert.match(dry.stderr, /would register/);
    assert.equal((await run(['schema', 'get', subject, ...registry])).code, 1, 'a dry run registers nothing');
    const ids: string[] = [];
    for (const file of ['0.avsc', '1.avsc']) {
      const words = ['schema', 'register', subject, file, '--yes', '-o', 'json', ...registry];
      const { id } = JSON.parse((await done(words)).stdout.toString()) as { id: string };
      ids.push(id);
    }

    const ls = await done(['schema', 'ls', '--match', `${subject}*`, '-o', 'json', ...registry]);
    const listed = JSON.parse(ls.stdout.toString()) as { subjects: unknown };
    assert.deepEqual(listed.subjects, [{ subject, versions: ['1', '2'] }]);
    const got = async (...words: string[]) => {
      const { stdout } = await done(['schema', 'get', ...words, ...registry]);
      return JSON.parse(stdout.toString()) as unknown;
    };
    assert.deepEqual(await got(subject), second);
    assert.deepEqual(await got(subject, '--version', '1'), first);
    assert.deepEqual(await got('--id', ids[0] ?? assert.fail()), first);

    const rules = `${addressOf('registry')}${api}/groups/default/artifacts/${subject}/rules`;
    const created = await fetch(rules, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ruleType: 'COMPATIBILITY', config: 'NONE' }),
    });
    assert.ok(created.ok, await created.text());
    const names = { first: / version 1$/, second: / version 2$/ };
    for (const { mode, compared, like } of modes) {
      const changed = await fetch(`${rules}/COMPATIBILITY`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ruleType: 'COMPATIBILITY', config: mode }),
      });
      assert.ok(changed.ok, mode);
      const words = ['schema', 'check', '2.avsc', '--against', `subject:${subject}`, '-o', 'json'];
      const checked = await run([...words, ...registry]);
      assertChecked(checked, { mode, compared, exit: like }, names);
    }
    const refused = await run(['schema', 'register', subject, '2.avsc', '--yes', ...registry]);
    assert.equal(refused.code, 3, 'the registry, in FULL_TRANSITIVE, says the same');
    assert.match(refused.stderr, /the registry rejects it/);
  },
);
