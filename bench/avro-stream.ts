/**
 * A million framed Avro records, decoded as `consume` does it, against avsc alone: `node bench/avro-stream.ts [COUNT]`.
 * Both read the same framed buffers, in turns, since the machine may be shared; the median of five rounds counts.
 */
import avsc from 'avsc';
import { PayloadDecoder } from '../src/lib/schema/decoder.ts';
import type { SchemaRegistry } from '../src/lib/schema/registry/registry.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const rounds = 5;
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
  finds: ['id'],
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
/** Whoever decodes wants the value: without it V8 would not even make the object around it. */
const values: unknown[] = frames.map(() => null);
const byAvsc = (): void => {
  for (let index = 0; index < count; index += 1) {
    const frame = frames[index % frames.length];
    if (frame === undefined) continue;
    const decoded: { readonly value: unknown; readonly offset: number } = type.decode(frame, 5);
    if (decoded.offset !== frame.length) continue;
    values[index % frames.length] = decoded.value;
    checked += 1;
  }
};
const byMqctl = (): void => {
  for (let index = 0; index < count; index += 1) {
    const input = inputs[index % inputs.length];
    if (input === undefined) continue;
    const outcome = decoder.decodeKnown(input);
    if (!('kind' in outcome) || outcome.kind !== 'decoded') continue;
    values[index % frames.length] = outcome.value;
    checked += 1;
  }
};

const times: { readonly avsc: number; readonly mqctl: number }[] = [];
for (let round = 0; round < rounds; round += 1) times.push({ avsc: timed(byAvsc), mqctl: timed(byMqctl) });
if (checked !== 2 * rounds * count) throw new Error('something was not decoded');
const [avscMs, mqctlMs] = [median(times.map(({ avsc }) => avsc)), median(times.map(({ mqctl }) => mqctl))];
const share = median(times.map(({ avsc, mqctl }) => avsc / mqctl));
const perSecond = (ms: number): string => `${Math.round(count / ms).toString()} k records/s`;
console.log(`avsc alone        ${avscMs.toFixed(0)} ms  ${perSecond(avscMs)}`);
console.log(
  `frame and schema  ${mqctlMs.toFixed(0)} ms  ${perSecond(mqctlMs)}  ${(100 * share).toFixed(0)} % of avsc's speed`,
);

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
