/**
 * A million framed Avro records, decoded as `consume` does it, against avsc alone: `node bench/avro-stream.ts [COUNT]`.
 * Both read the same bytes one after the other, three rounds each, and the best round counts.
 */
import avsc from 'avsc';
import { PayloadDecoder } from '../src/lib/schema/decoder.ts';
import type { SchemaRegistry } from '../src/lib/schema/registry/registry.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const rounds = 3;
const order = {
  type: 'record' as const,
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'customer', type: 'string' },
    { name: 'total', type: 'double' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'lines', type: { type: 'array' as const, items: 'int' } },
    { name: 'paid', type: 'boolean' },
  ],
};
const text = JSON.stringify(order);

/** One schema, in memory: the network is not what is measured. */
const registry: SchemaRegistry = {
  address: 'memory',
  byKey: async () => ({
    id: '7',
    subject: 'orders-value',
    version: '1',
    format: 'avro',
    text,
    references: [],
  }),
  subjects: async () => [],
  versions: async () => null,
  version: async () => null,
  mode: async () => null,
  register: () => Promise.reject(new Error('nothing can be registered here')),
};

const type = avsc.Type.forSchema(order);
const frames = Array.from({ length: 1_000 }, (_, id) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 0, 7]),
    type.toBuffer({
      id,
      customer: `customer-${id.toString()}`,
      total: id / 7,
      note: id % 2 === 0 ? null : 'note',
      lines: [1, 2, id],
      paid: true,
    }),
  ]),
);

const signal = new AbortController().signal;
const decoder = new PayloadDecoder(registry);
const inputs = frames.map((bytes) => ({ bytes, headers: [], part: 'value' as const }));
for (const input of inputs) await decoder.decode(input, signal);

let checked = 0;
const byAvsc = best(() => {
  for (let index = 0; index < count; index += 1) {
    const frame = frames[index % frames.length];
    if (frame !== undefined && type.decode(frame, 5).offset === frame.length) checked += 1;
  }
});
const byMqctl = best(() => {
  for (let index = 0; index < count; index += 1) {
    const input = inputs[index % inputs.length];
    if (input === undefined) continue;
    const outcome = decoder.decodeKnown(input);
    if ('kind' in outcome && outcome.kind === 'decoded') checked += 1;
  }
});
if (checked !== 2 * rounds * count) throw new Error('something was not decoded');
const perSecond = (ms: number): string => `${Math.round(count / ms).toString()} k records/s`;
console.log(`avsc alone        ${byAvsc.toFixed(0)} ms  ${perSecond(byAvsc)}`);
console.log(
  `frame and schema  ${byMqctl.toFixed(0)} ms  ${perSecond(byMqctl)}  ${((100 * byAvsc) / byMqctl).toFixed(0)} % of avsc's speed`,
);

function best(run: () => void): number {
  let least = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
