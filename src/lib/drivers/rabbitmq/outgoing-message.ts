/** What RabbitMQ makes of a message that is published: what it adds, and what it cannot have as it is. */
import type { Header, HeaderValue, OutgoingMessage, Properties, TypedValue } from '../../message/message.ts';
import { basicPropertyNames } from './basic-properties.ts';

const persistent: Properties = { deliveryMode: '2' };
const asItIs: Properties = {};
const knownProperties = new Set([...basicPropertyNames, 'exchange', 'routingKey']);

/** Properties that it gets where it has not got them: what was not consumed before is made persistent. */
export function defaultsOf({ properties, timestamp }: OutgoingMessage): Properties {
  const defaults = properties['exchange'] === undefined ? persistent : asItIs;
  return timestamp === null ? defaults : { ...defaults, timestamp: String(Math.floor(timestamp / 1000)) };
}

/** Why RabbitMQ cannot have this message as it is: a part would be lost without a word. */
export function unsupported({ key, value, partition, headers, properties }: OutgoingMessage): string | null {
  if (value === null) return 'RabbitMQ has no null value (tombstone), only an empty one';
  if (key !== null) return 'RabbitMQ messages have no key';
  if (partition !== null) return 'RabbitMQ queues have no partitions';
  const repeated = repeatedName(headers);
  if (repeated !== null) return `RabbitMQ keeps one header of a name, and there are several "${repeated}"`;
  if (someUnsafeFloat(headers))
    return 'RabbitMQ closes the connection on a header with a float that is infinite or no number';
  for (const name in properties)
    if (!knownProperties.has(name)) return `RabbitMQ messages have no property "${name}"`;
  return null;
}

/** Its parser knows finite numbers only, and takes the whole connection down over others (seen on 4.0). */
function isUnsafeFloat({ type, value }: TypedValue): boolean {
  return (type === 'float' || type === 'double') && typeof value === 'string' && /NaN|Infinity/.test(value);
}

/** Streams drop it without a word, or close the connection on it. */
export function isLostInStream(value: HeaderValue): boolean {
  if (value === null || value instanceof Uint8Array) return false;
  return ['decimal', 'array', 'table', 'encoded'].includes(value.type);
}

/** At any depth. */
function someUnsafeFloat(items: readonly (Header | HeaderValue)[]): boolean {
  return items.some((item) => {
    const value = item !== null && 'name' in item ? item.value : item;
    if (value === null || value instanceof Uint8Array) return false;
    if (isUnsafeFloat(value)) return true;
    const { value: inner } = value;
    return (
      inner !== null && typeof inner === 'object' && !(inner instanceof Uint8Array) && someUnsafeFloat(inner)
    );
  });
}

function repeatedName(headers: readonly Header[]): string | null {
  if (headers.length < 2) return null;
  const seen = new Set<string>();
  for (const { name, rawName } of headers) {
    const identity = rawName === undefined ? `=${name}` : Buffer.from(rawName).toString('hex');
    if (seen.has(identity)) return name;
    seen.add(identity);
  }
  return null;
}
