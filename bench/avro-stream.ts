/**
 * A million framed Avro records, decoded as `consume` does it, against avsc alone: `node bench/avro-stream.ts [COUNT] [ROUNDS]`.
 * Both read the same framed buffers, after a round each to warm up, in the order ABBA, so that what drifts meets both alike.
 * Processor time counts beside wall time, since the machine may be shared; of the ratios of all pairs the median is the answer.
 */
import avsc from 'avsc';
import { PayloadDecoder } from '../src/lib/schema/decoder.ts';
import type { SchemaRegistry } from '../src/lib/schema/registry/registry.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 16);
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

interface Time {
  /** Milliseconds. */
  readonly wall: number;
  /** Milliseconds of this process, with what its collector of garbage took on other threads. */
  readonly processor: number;
}

interface Pair {
  readonly avsc: Time;
  readonly mqctl: Time;
}

byAvsc();
byMqctl();
const pairs: Pair[] = [];
for (let round = 0; round < rounds; round += 1) {
  if (round % 2 === 0) {
    const avsc = timed(byAvsc);
    pairs.push({ avsc, mqctl: timed(byMqctl) });
  } else {
    const mqctl = timed(byMqctl);
    pairs.push({ avsc: timed(byAvsc), mqctl });
  }
}
if (checked !== 2 * (rounds + 1) * count) throw new Error('something was not decoded');

for (const clock of ['wall', 'processor'] as const) {
  const [avscMs, mqctlMs] = [
    median(pairs.map(({ avsc }) => avsc[clock])),
    median(pairs.map(({ mqctl }) => mqctl[clock])),
  ];
  const shares = pairs.map(({ avsc, mqctl }) => avsc[clock] / mqctl[clock]);
  console.log(`${clock} time, the median of ${rounds.toString()} rounds`);
  console.log(`  avsc alone        ${avscMs.toFixed(0)} ms  ${perSecond(avscMs)}`);
  console.log(`  frame and schema  ${mqctlMs.toFixed(0)} ms  ${perSecond(mqctlMs)}`);
  console.log(`  of avsc's speed   ${shares.map((share) => share.toFixed(2)).join(' ')}`);
  console.log(`  median            ${median(shares).toFixed(3)}`);
}

function perSecond(ms: number): string {
  return `${Math.round(count / ms).toString()} k records/s`;
}

function timed(run: () => void): Time {
  const [start, before] = [performance.now(), process.cpuUsage()];
  run();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - start, processor: (user + system) / 1000 };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}
