/**
 * One process that decodes in one way only: `node --expose-gc bench/avro/decode.ts SHAPE avsc|mqctl COUNT`, started by
 * `avro-stream.ts`, which says when. A round decodes COUNT records and answers with its time.
 */
import avsc from 'avsc';
import { PayloadDecoder } from '../../src/lib/schema/decoder.ts';
import type { SchemaRegistry } from '../../src/lib/schema/registry/registry.ts';
import { allInTurn, shapes } from './shapes.ts';

/** Of one round, in milliseconds. */
export interface Time {
  readonly wall: number;
  /** Of the whole process: with what its collector of garbage and its compiler took on other threads. */
  readonly processor: number;
}

const [, , shapeName = '', variant = '', countText = ''] = process.argv;
const count = Number(countText);
const types = Object.entries(shapes)
  .filter(([name]) => shapeName === allInTurn || shapeName === name)
  .map(([, { schema, sample }]) => ({ type: avsc.Type.forSchema(schema), sample }));
const texts = types.map(({ type }) => JSON.stringify(type));

/** The schemas by their index, in memory: the network is not what is measured. */
const registry: SchemaRegistry = {
  address: 'memory',
  finds: ['id'],
  byKey: async ({ value }) => ({
    id: value,
    subject: `shape-${value}`,
    version: '1',
    format: 'avro',
    text: texts[Number(value)] ?? '',
    references: [],
  }),
  subjects: async () => [],
  versions: async () => null,
  version: async () => null,
  mode: async () => null,
  register: () => Promise.reject(new Error('nothing can be registered here')),
};

const samples = Array.from({ length: 1_000 }, (_, index) => {
  const id = index % types.length;
  const { type, sample } = types[id] ?? noShape();
  return { type, bytes: Buffer.concat([Buffer.from([0, 0, 0, 0, id]), type.toBuffer(sample(index))]) };
});
const inputs = samples.map(({ bytes }) => ({ bytes, headers: [], part: 'value' as const }));
/** Whoever decodes wants the value: without it V8 would not even make the object around it. */
const values: unknown[] = samples.map(() => null);
const decoder = new PayloadDecoder(registry);
const { signal } = new AbortController();
for (const input of inputs) await decoder.decode(input, signal);

const run = { avsc: byAvsc, mqctl: byMqctl }[variant] ?? noShape();
process.on('message', () => {
  process.send?.(timed());
});
process.send?.('ready');

/** What is left of the round before is collected first: otherwise it would be paid for in this one. */
function timed(): Time {
  globalThis.gc?.();
  const [start, before] = [performance.now(), process.cpuUsage()];
  const decoded = run();
  const { user, system } = process.cpuUsage(before);
  const wall = performance.now() - start;
  if (decoded !== count) throw new Error('something was not decoded');
  return { wall, processor: (user + system) / 1000 };
}

/** avsc by itself is told the schema, and does not look at the frame. */
function byAvsc(): number {
  let decoded = 0;
  for (let index = 0; index < count; index += 1) {
    const sample = samples[index % samples.length];
    if (sample === undefined) continue;
    const found: { readonly value: unknown; readonly offset: number } = sample.type.decode(sample.bytes, 5);
    if (found.offset !== sample.bytes.length) continue;
    values[index % samples.length] = found.value;
    decoded += 1;
  }
  return decoded;
}

function byMqctl(): number {
  let decoded = 0;
  for (let index = 0; index < count; index += 1) {
    const input = inputs[index % inputs.length];
    if (input === undefined) continue;
    const outcome = decoder.decodeKnown(input);
    if (!('kind' in outcome) || outcome.kind !== 'decoded') continue;
    values[index % samples.length] = outcome.value;
    decoded += 1;
  }
  return decoded;
}

function noShape(): never {
  throw new Error('usage: decode.ts SHAPE avsc|mqctl COUNT');
}
