/** What a system cannot keep or do is refused before anything is sent. */
import type { Declaration, DeliveryGuarantee } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';
import { isInHeaders, type ChosenFraming } from '../schema/framing/chosen-framings.ts';
import { shellLine } from '../shell-line.ts';

/** What messages are to hold, and where they go, as it was said. */
export interface SaidContent {
  readonly channel: string;
  readonly hasKey: boolean;
  readonly hasHeaders: boolean;
  readonly hasPartition: boolean;
  /** Whether some text stands for a value that is null. */
  readonly hasNullValue: boolean;
  readonly hasTimestamp: boolean;
  /** The names of the properties. */
  readonly properties: readonly string[];
  /** null: it was not said. */
  readonly exchange: string | null;
  readonly routingKey: string | null;
  readonly framing: ChosenFraming | null;
}

const headersHoldBytes = { bytes: true, typed: true, text: false, none: false } as const;

/** Throws `UsageError` that says what this system has in its place. */
export function checkContent({ system, facets: { publish: traits } }: Declaration, said: SaidContent): void {
  if (traits === undefined) return;
  const refuse = refusing(system);
  if (!traits.key && said.hasKey) refuse('keys', 'use --header or --property');
  if (!traits.partition && said.hasPartition) refuse('partitions');
  if (!traits.nullValue && said.hasNullValue) refuse('null values');
  if (!traits.timestamp && said.hasTimestamp) refuse('timestamps that a producer may set');
  const routed = said.exchange ?? said.routingKey;
  if (routed !== null && traits.routing === null) refuse('exchanges');
  if (routed !== null && traits.routing !== null) checkRouting(system, traits.routing.prefix, said);
  const known = [...traits.properties, ...(traits.sentOnly ?? [])];
  for (const name of said.properties) {
    if (!known.includes(name))
      refuse(`property "${name}"`, known.length === 0 ? 'use --header' : `known are ${known.join(', ')}`);
  }
  if (traits.headers === 'none' && said.hasHeaders) refuse('headers', 'put what they say into the value');
  if (said.framing !== null && isInHeaders(said.framing) && !headersHoldBytes[traits.headers])
    refuse(`headers that hold bytes, as the frame ${said.framing} needs`, 'say --framing confluent');
}

/** Throws `UsageError` that names what is known here. `compression` null: none was said. */
export function checkDelivery(
  { system, facets: { publish: traits } }: Declaration,
  { delivery, compression }: { readonly delivery: DeliveryGuarantee; readonly compression: string | null },
): void {
  if (traits === undefined) return;
  const refuse = refusing(system);
  if (!traits.deliveries.includes(delivery))
    refuse(`delivery "${delivery}"`, `known are ${traits.deliveries.join(', ')}`);
  if (compression !== null && !traits.compressions.includes(compression))
    refuse(
      `compression "${compression}"`,
      traits.compressions.length === 0 ? 'it takes none' : `known are ${traits.compressions.join(', ')}`,
    );
}

/** Throws `UsageError` where another number of replies is wanted than the one that a request has here. */
export function checkReplies({ system, facets: { requests } }: Declaration, replies: number): void {
  if (requests?.severalReplies === false && replies !== 1)
    throw new UsageError(`${system} has one reply for a request`, { hint: 'leave --replies out' });
}

/** A queue takes what it is given: only an exchange looks at the routing key. */
function checkRouting(system: string, prefix: string, { channel, exchange }: SaidContent): void {
  const isExchange = channel.startsWith(prefix);
  if (isExchange && (exchange === null || channel === `${prefix}${exchange}`)) return;
  throw new UsageError(
    `"${channel}" is not ${exchange === null ? 'an exchange' : `the exchange "${exchange}"`} of ${system}`,
    {
      hint: shellLine`name it as the channel: mqctl produce ${prefix}${exchange ?? 'NAME'} --routing-key KEY`,
    },
  );
}

function refusing(system: string): (what: string, hint?: string) => never {
  return (what, hint) => {
    throw new UsageError(`${system} has no ${what}`, hint === undefined ? {} : { hint });
  };
}
