import assert from 'node:assert/strict';
import test from 'node:test';
import { checkSchema, type CheckReport } from '../../../../src/lib/schema/check.ts';
import type { SchemaFormat } from '../../../../src/lib/schema/engine.ts';
import { engineOf } from '../../../../src/lib/schema/engines.ts';
import type { CompatibilityMode } from '../../../../src/lib/schema/mode.ts';
import { checkCases } from '../../../../src/lib/schema/report/check-junit.ts';
import { checkSarif } from '../../../../src/lib/schema/report/check-sarif.ts';
import { sarifStructure } from './sarif-structure.ts';

const search = { seed: 1, timeMs: 5_000 };
const older = '{"type":"record","name":"Order","fields":[\n  {"name":"total","type":"int"}\n]}';
const newer =
  '{"type":"record","name":"Order","fields":[\n  {"name":"total","type":"int"},\n  {"name":"currency","type":"string"}\n]}';
const terms = {
  dialect: 'confluent',
  files: new Set(['./schemas/my order.avsc', '/data/v1.avsc']),
  toolVersion: '1.2.3',
} as const;

async function reportOf(
  format: SchemaFormat,
  proposed: readonly [name: string, text: string],
  versions: readonly (readonly [name: string, text: string])[],
  mode: CompatibilityMode,
): Promise<CheckReport> {
  const engine = await engineOf(format);
  const parse = ([name, text]: readonly [string, string]) => engine.parse({ name, text, references: [] });
  return checkSchema(
    { engine, proposed: parse(proposed), versions: versions.map(parse), mode, search },
    new AbortController().signal,
  );
}

/** The one run of a report, after its structure was held against the standard. */
async function runOf(report: CheckReport) {
  const document = checkSarif(report, terms);
  const structure = (await engineOf('json')).parse({
    name: 'sarif',
    text: JSON.stringify(sarifStructure),
    references: [],
  });
  const violations = structure.validatePayload(Buffer.from(JSON.stringify(document)), 20);
  assert.deepEqual(violations, []);
  const [run] = document.runs;
  assert.ok(run !== undefined);
  for (const { ruleId, ruleIndex } of run.results)
    assert.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId, 'the index leads to the rule');
  return run;
}

test('SARIF: an error at the line of the proposed file, with the witness and the other version beside it', async () => {
  const report = await reportOf(
    'avro',
    ['./schemas/my order.avsc', newer],
    [['main:order.avsc', older]],
    'BACKWARD',
  );
  const { results, tool } = await runOf(report);
  assert.deepEqual(
    tool.driver.rules.map(({ id }) => id),
    ['READER_FIELD_MISSING_DEFAULT_VALUE'],
  );
  const [result, ...others] = results;
  assert.equal(others.length, 0);
  assert.ok(result !== undefined);
  assert.equal(result.level, 'error');
  assert.match(result.message.text, /"currency".*confluent rejects it.*data breaks, with \{"total":0\}/);
  assert.deepEqual(result.locations, [
    {
      physicalLocation: {
        artifactLocation: { uri: 'schemas/my%20order.avsc' },
        region: { startLine: 3, startColumn: 3 },
      },
      logicalLocations: [{ fullyQualifiedName: '/fields/1' }],
    },
  ]);
  const [related] = result.relatedLocations ?? [];
  assert.deepEqual(related?.physicalLocation.artifactLocation, {
    uri: 'schema:main%3Aorder.avsc',
    description: { text: 'main:order.avsc' },
  });
  assert.match(related?.message?.text ?? '', /^writer main:order\.avsc:1:42 \(\/fields\)/);
});

test('SARIF: forward, too, the place is that of the proposed file', async () => {
  const report = await reportOf('avro', ['/data/v1.avsc', older], [['orders version 1', newer]], 'FORWARD');
  const { results } = await runOf(report);
  assert.equal(results[0]?.locations[0]?.physicalLocation.artifactLocation.uri, 'file:///data/v1.avsc');
  assert.equal(results[0]?.level, 'error');
});

test('SARIF: rejected or broken is an error, not proved a warning, what only another registry rejects a note', async () => {
  const spot = { schema: 'a.json', pointer: '', place: null, value: null };
  const finding = {
    code: 'A_CODE',
    direction: 'backward',
    message: 'm',
    reader: spot,
    writer: spot,
  } as const;
  const notProved = { kind: 'not-proved', reason: 'no value was found' } as const;
  const harmless = { kind: 'compatible', reason: 'no value can break' } as const;
  const { results } = await runOf({
    proposed: 'a.json',
    mode: 'BACKWARD',
    pairs: [
      {
        version: 'b',
        direction: 'backward',
        findings: [
          { ...finding, rejectedBy: { confluent: 'RULE' }, data: harmless, suggestion: null },
          { ...finding, rejectedBy: {}, data: notProved, suggestion: null },
          { ...finding, rejectedBy: { apicurio: 'RULE' }, data: harmless, suggestion: 'another' },
        ],
        unproved: ['whether the patterns agree'],
      },
    ],
  });
  assert.deepEqual(
    results.map(({ ruleId, level }) => [ruleId, level]),
    [
      ['A_CODE', 'error'],
      ['A_CODE', 'warning'],
      ['A_CODE', 'note'],
      ['NOT_PROVED', 'warning'],
    ],
  );
});

test('SARIF: no finding is an empty list', async () => {
  const { results, tool } = await runOf(
    await reportOf('avro', ['a.avsc', older], [['b.avsc', older]], 'FULL'),
  );
  assert.deepEqual([results, tool.driver.rules], [[], []]);
});

test('JUnit: a case for each version and direction; what breaks has failed and says with which message', async () => {
  const report = await reportOf(
    'avro',
    ['order.avsc', newer],
    [
      ['v1.avsc', older],
      ['v2.avsc', newer],
    ],
    'FULL_TRANSITIVE',
  );
  const cases = checkCases(report, 'confluent', false);
  assert.deepEqual(
    cases.map(({ name, outcome }) => [name, outcome]),
    [
      ['order.avsc reads what v1.avsc writes', 'failed'],
      ['v1.avsc reads what order.avsc writes', 'passed'],
      ['order.avsc reads what v2.avsc writes', 'passed'],
      ['v2.avsc reads what order.avsc writes', 'passed'],
    ],
  );
  assert.match(cases[0]?.text ?? '', /READER_FIELD_MISSING_DEFAULT_VALUE.*with \{"total":0\}/);
  assert.match(cases[0]?.text ?? '', /reader order\.avsc:3:3 \(\/fields\/1\)/);
});

test('JUnit: what is not proved is skipped, and failed where --strict holds', async () => {
  const report = {
    proposed: 'a',
    mode: 'BACKWARD',
    pairs: [{ version: 'b', direction: 'backward', findings: [], unproved: ['whether the patterns agree'] }],
  } as const satisfies CheckReport;
  assert.equal(checkCases(report, 'confluent', false)[0]?.outcome, 'skipped');
  assert.equal(checkCases(report, 'confluent', true)[0]?.outcome, 'failed');
});
