import type { Driver, PublishTraits } from '../drivers/driver.ts';
import type { Message, OutgoingMessage } from '../message/message.ts';

export interface Republishing {
  readonly traits: PublishTraits;
  readonly keepPartition: boolean;
  readonly keepTimestamp: boolean;
  /** Of the source: how a message came there is not what it is. */
  readonly volatileHeaders: ReadonlySet<string>;
  readonly volatileProperties: ReadonlySet<string>;
}

/** What the destination's system has not got, so that it is left out: by what it is, how many messages had it. */
export type LeftOut = Map<string, number>;

/** `traits` are the destination's. Where the source's system has no dead letters, nothing is volatile. */
export function republishing(
  source: Driver,
  traits: PublishTraits,
  keep: { readonly keepPartition: boolean; readonly keepTimestamp: boolean },
): Republishing {
  return {
    traits,
    ...keep,
    volatileHeaders: new Set(source.deadLetters?.volatileHeaders),
    volatileProperties: new Set(source.deadLetters?.volatileProperties),
  };
}

/** The message as it is published again: byte for byte, but for what the destination's system has not got. */
export function toRepublished(message: Message, how: Republishing, leftOut: LeftOut | null): OutgoingMessage {
  const { traits } = how;
  const dropped = (what: string): void => {
    leftOut?.set(what, (leftOut.get(what) ?? 0) + 1);
  };
  if (message.key !== null && !traits.key) dropped('key');
  const properties = Object.entries(message.properties).filter(([name]) => {
    if (how.volatileProperties.has(name)) return false;
    const known = traits.properties.includes(name);
    if (!known) dropped(`property ${name}`);
    return known;
  });
  return {
    key: traits.key ? message.key : null,
    value: message.value,
    headers: message.headers.filter(({ name }) => !how.volatileHeaders.has(name)),
    properties: Object.fromEntries(properties),
    partition: how.keepPartition ? message.partition : null,
    timestamp: how.keepTimestamp ? message.timestamp : null,
  };
}
