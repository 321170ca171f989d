/** Records as RabbitMQ has them: all 14 properties and headers of every type of its field tables, made from a seed. */
import { isUtf8 } from 'node:buffer';
import { anyBytes, isObject, type Random } from './random-records.ts';

type Priorities = readonly [string, ...string[]];
type Json = string | null | readonly Json[] | { readonly [name: string]: Json };

/** Texts of each scalar type: its ends, and what is easily rounded or mistaken. RabbitMQ takes no float that is not finite. */
const scalars = {
  boolean: ['true', 'false'],
  int8: ['-128', '127', '0'],
  uint8: ['0', '255'],
  int16: ['-32768', '32767'],
  uint16: ['65535', '1'],
  int32: ['-2147483648', '2147483647'],
  uint32: ['4294967295', '7'],
  int64: ['-9223372036854775808', '9223372036854775807', '9007199254740993'],
  float: ['0.1', '-2.5', '0', '-0'],
  double: ['0.1', '5e-324', '1.7976931348623157e+308', '-0'],
  decimal: ['3.14', '3.00', '4294967295', '0.001'],
  timestamp: ['0', '1700000000', '18446744073709551615'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;
const scalarNames = [
  'boolean',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'float',
  'double',
  'decimal',
  'timestamp',
] as const satisfies readonly (keyof typeof scalars)[];

/** How many kinds of header value there are: `headerValue` makes each of them. */
const kinds = scalarNames.length + 5;

const names = ['', '\u001b[31m', 'a', 'trace', 'x-other', 'ünï', '\ufeff'].map((name) => Buffer.from(name));
const anyNames = [...names, Buffer.from([0xff, 0xfe])] as const;

/**
 * A line for `produce --format ndjson`, and for comparison what it says without its place. The headers are in the order of
 * their names and each is there once: RabbitMQ itself sorts them so, and of a repeated one keeps the first.
 */
export function amqpLine(random: Random, number: number, priorities: Priorities): string {
  const headers = anyNames
    .filter(() => random.below(4) === 0)
    .map((name, at) => [bytes(name), headerValue(random, (number + at) % kinds, 0)] as const);
  return JSON.stringify({
    value: bytes(anyBytes(random, 200) ?? Buffer.alloc(0)),
    headers,
    properties:
      number % 3 === 0
        ? allProperties(random, headers.length, priorities)
        : someProperties(random, headers.length, priorities),
  });
}

/** In a table inside a table the broker leaves order and repetition alone. */
function entry(random: Random, kind: number, depth: number): readonly [Json, Json] {
  return [bytes(random.pick([Buffer.from('a'), ...anyNames])), headerValue(random, kind, depth)];
}

function headerValue(random: Random, kind: number, depth: number): Json {
  const scalar = scalarNames[kind];
  if (scalar !== undefined) return { type: scalar, value: random.pick(scalars[scalar]) };
  const inner = (): number => random.below(depth < 3 ? kinds : scalarNames.length);
  switch (kind - scalarNames.length) {
    case 0:
      return null; // AMQP's void
    case 1:
      return { type: 'bytes', value: { base64: random.bytes(random.below(40)).toString('base64') } };
    case 2:
      return {
        type: 'array',
        value: Array.from({ length: random.below(4) }, () => headerValue(random, inner(), depth + 1)),
      };
    case 3:
      return {
        type: 'table',
        value: Array.from({ length: random.below(4) }, () => entry(random, inner(), depth + 1)),
      };
    default:
      return bytes(anyBytes(random, 60) ?? Buffer.alloc(0));
  }
}

/** Text as text, else base64: as the records say it. */
function bytes(content: Buffer): Json {
  return isUtf8(content) ? content.toString() : { base64: content.toString('base64') };
}

/** `userId` has to be the login's own, and the broker reads `expiration` and `deliveryMode`: these are valid. */
function allProperties(random: Random, headers: number, priorities: Priorities): Record<string, Json> {
  const text = (): string => random.pick(['', 'text', 'ünï👩‍👩‍👧', '\u001b]0;title\u0007', 'x'.repeat(255)]);
  return {
    contentType: text(),
    contentEncoding: text(),
    ...(headers === 0 && random.below(2) === 0 && { headers: { type: 'table', value: [] } }),
    deliveryMode: { type: 'uint8', value: random.pick(['1', '2']) },
    priority: { type: 'uint8', value: random.pick(priorities) },
    correlationId: text(),
    replyTo: random.pick(['answers', 'ünï']),
    expiration: random.pick(['3600000', '86400000']),
    messageId: random.below(10) === 0 ? { base64: '//4=' } : text(),
    timestamp: { type: 'timestamp', value: random.pick(['0', '1700000000', '18446744073709551615']) },
    type: text(),
    userId: 'guest',
    appId: text(),
    clusterId: text(),
  };
}

function someProperties(random: Random, headers: number, priorities: Priorities): Record<string, Json> {
  const all = Object.entries(allProperties(random, headers, priorities));
  // Without one the producer says "persistent", which would not be in what was meant.
  return Object.fromEntries(all.filter(([name]) => name === 'deliveryMode' || random.below(3) === 0));
}

/** What a record says without where it was: names and values in their order, as one text. */
export function contentOf(line: string): string {
  const record: unknown = JSON.parse(line);
  if (!isObject(record) || !isObject(record['properties'])) throw new Error(`no record: ${line}`);
  const { properties, key = null, value, headers } = record;
  const kept = Object.entries(properties).filter(([name]) => name !== 'exchange' && name !== 'routingKey');
  return JSON.stringify({
    key,
    value,
    headers,
    properties: kept.sort(([one], [other]) => (one < other ? -1 : 1)),
  });
}
