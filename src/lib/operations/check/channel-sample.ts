import { createHash } from 'node:crypto';

import type { Appraisal, Driver, LookReport } from '../../drivers/driver.ts';
import { priceOfLook } from '../look-price.ts';
import type { HeaderValue, Message, PropertyValue } from '../../message/message.ts';
import { parsePositions } from '../../message/position-grammar.ts';

/** What checks want of a message: some hundred bytes, whatever its size. */
export interface MessageFacts {
  /** Milliseconds since 1970; null: it says none. */
  readonly at: number | null;
  readonly clock: 'create' | 'append' | null;
  readonly partition: string | null;
  /** Hash of the key; null: it has none. */
  readonly key: string | null;
  /** An id by which a consumer could know it again; null: it carries none. */
  readonly id: string | null;
  /** Hash of key and value. */
  readonly content: string;
  readonly correlationId: string | null;
  readonly traced: boolean;
  /** A schema registry's frame, or a content type that names a schema. */
  readonly framed: boolean;
  /** null: this system does not tell. */
  readonly redelivered: boolean | null;
}

/** So many are looked at of a channel, an equal part of each of its partitions. */
const sampleSize = 10_000;
const idNames = new Set(['messageid', 'eventid', 'ceid', 'idempotencykey', 'deduplicationid', 'id']);
const correlationNames = new Set(['correlationid', 'requestid', 'xcorrelationid', 'xrequestid', 'traceid']);
/** W3C Trace Context, "traceparent". */
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/;
const schemaType = /avro|protobuf|schema/i;
/** Zero, then the schema's number in four bytes. */
const frameBytes = 5;

/** What may be taken of a channel where a look costs something. */
export interface CostlySample {
  readonly limit: number;
  /** Also where consumers work, and many at once. */
  readonly agreed: boolean;
  /** Why it would bring messages too near to their delivery limit; null: it would not. */
  readonly refusal: (channel: string, appraisal: Appraisal) => Promise<string | null>;
  /** Hears of each look that was paid for. */
  readonly onReport: (channel: string, report: LookReport) => Promise<void>;
}

export interface SampledChannel {
  readonly channel: string;
  readonly partitions: number | null;
}

/**
 * The newest of a channel; where a look costs something, the first that wait, and only where `costly` allows it. A text says why
 * a channel was not sampled.
 */
export async function sampleOf(
  driver: Driver,
  { channel, partitions }: SampledChannel,
  costly: CostlySample | null,
  signal: AbortSignal,
): Promise<readonly MessageFacts[] | string> {
  const { look } = driver;
  if (look === undefined) return 'this system cannot be looked at';
  const appraisal = await look.appraise(channel, signal);
  const price = priceOfLook(channel, appraisal, false, costly?.limit ?? null);
  if (price.limit !== null && costly === null)
    return `a look at this channel is not free (${appraisal.cost}), so none was taken: --sample N takes one`;
  if (price.consent !== null && costly?.agreed !== true) return `${price.consent}: --yes looks all the same`;
  const refusal = price.limit === null ? null : ((await costly?.refusal(channel, appraisal)) ?? null);
  if (refusal !== null) return `${refusal}: --look-again looks all the same`;
  const fromEach = Math.ceil(sampleSize / Math.max(1, partitions ?? 1));
  const from = parsePositions(price.limit === null ? `end-${fromEach.toString()}` : 'start');
  const limit = price.limit ?? sampleSize;
  const looking = await look.open(
    { channel, from, until: null, follow: false, partitions: null, limit, uncommitted: false },
    signal,
  );
  const facts: MessageFacts[] = [];
  for await (const batch of looking.batches) facts.push(...batch.map(factsOf));
  if (price.limit !== null) await costly?.onReport(channel, looking.report());
  return facts;
}

function factsOf(message: Message): MessageFacts {
  const named = namedValues(message);
  const find = (names: ReadonlySet<string>): string | null =>
    named.find(([name]) => names.has(name))?.[1] ?? null;
  const { value, key } = message;
  const contentType = find(new Set(['contenttype'])) ?? '';
  return {
    at: message.timestamp,
    clock: message.timestampType,
    partition: message.partition,
    key: key === null ? null : digest(key),
    id: find(idNames),
    content: digest(key ?? new Uint8Array(), value ?? new Uint8Array()),
    correlationId: find(correlationNames),
    traced: traceparent.test(find(new Set(['traceparent'])) ?? ''),
    framed: (value !== null && value.length > frameBytes && value[0] === 0) || schemaType.test(contentType),
    redelivered: message.delivery.redelivered,
  };
}

/** Headers and properties with their names as letters alone: `X-Request-Id` is `xrequestid`. */
function namedValues({ headers, properties }: Message): (readonly [string, string])[] {
  const pairs: (readonly [string, string | null])[] = [
    ...Object.entries(properties).map(([name, value]) => [name, textOf(value)] as const),
    ...headers.map(({ name, value }) => [name, textOf(value)] as const),
  ];
  return pairs.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[name.toLowerCase().replaceAll(/[^a-z]/g, ''), value] as const],
  );
}

function textOf(value: HeaderValue | PropertyValue): string | null {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return 'type' in value && typeof value.value === 'string' ? value.value : null;
}

function digest(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(`${part.length.toString()}:`).update(part);
  return hash.digest('base64');
}
