import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

/** A project of a few modules, each planted to break one rule. */
const planted = {
  'src/commands/ls.ts':
    "import 'kafkajs';\nimport 'node:fs';\nimport '../lib/drivers/kafka/index.ts';\nimport '../lib/operations/ls.ts';",
  'src/lib/drivers/kafka/index.ts': "import '../rabbitmq/index.ts';",
  'src/lib/drivers/rabbitmq/index.ts': 'export const here = true;',
  'src/lib/operations/ls.ts': "import './circle.ts';",
  'src/lib/operations/circle.ts': "import './ls.ts';",
  'src/lib/operations/forgotten.ts': 'export const here = true;',
};

let output = '';
let exit: number | string | null | undefined = 0;
let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'boundaries-'));
  for (const [path, text] of Object.entries(planted)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  ({ exit, output } = await runOn(root));
});

after(() => rm(root, { recursive: true }));

for (const [rule, found] of [
  [
    'a driver that imports another driver',
    'src/lib/drivers/kafka/index.ts → src/lib/drivers/rabbitmq/index.ts',
  ],
  ['a client library outside its driver', 'home-of-kafkajs'],
  ['a command that imports a driver', 'src/commands/ls.ts → src/lib/drivers/kafka/index.ts'],
  ['a command that touches files', 'commands-touch-no-machine'],
  ['a cycle', 'no-cycles'],
  ['a module that no command reaches', 'src/lib/operations/forgotten.ts\n    no-dead-modules'],
] as const)
  test(`${rule} is found`, () => assert.ok(output.includes(found), output));

test('a violation makes the check fail', () => assert.equal(exit, 1));

test('a check that looks at nothing fails', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'boundaries-'));
  try {
    await mkdir(join(empty, 'src'));
    const result = await runOn(empty);
    assert.equal(result.exit, 1);
    assert.match(result.output, /was looked at/);
  } finally {
    await rm(empty, { recursive: true });
  }
});

function runOn(folder: string): Promise<{ exit: number | string | null | undefined; output: string }> {
  const script = join(import.meta.dirname, '../../../scripts/boundaries.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [script, folder], (error, stdout, stderr) =>
      resolve({ exit: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}
