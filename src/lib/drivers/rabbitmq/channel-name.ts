/**
 * What a channel's name means here: a queue or stream by its own name, `exchange:NAME` an exchange (`exchange:` alone is
 * the default one). An exchange keeps nothing, so it can only be published to. A queue whose own name begins with
 * `exchange:` is reached by its routing key at the default exchange.
 */
import { UsageError } from '../../errors.ts';

const exchangePrefix = 'exchange:';
/** AMQP 0-9-1 carries names as short strings. */
const longestName = 255;

export interface ChannelName {
  readonly kind: 'queue' | 'exchange';
  readonly name: string;
}

/** Throws `UsageError` for a name that cannot be. */
export function parseChannelName(channel: string): ChannelName {
  const parsed: ChannelName = channel.startsWith(exchangePrefix)
    ? { kind: 'exchange', name: channel.slice(exchangePrefix.length) }
    : { kind: 'queue', name: channel };
  if (parsed.kind === 'queue' && parsed.name === '')
    throw new UsageError('the name of a queue is empty', { hint: 'for an exchange write exchange:NAME' });
  // It would make and read one of another name.
  if (/[\r\n]/.test(parsed.name))
    throw new UsageError(`"${channel}" is no name: RabbitMQ drops line ends from names`, {
      hint: 'leave the line end out',
    });
  if (Buffer.byteLength(parsed.name) > longestName)
    throw new UsageError(`"${channel.slice(0, 40)}…" is too long for a name`, {
      hint: 'RabbitMQ allows 255 bytes',
    });
  return parsed;
}

/** The queue's name, to read from. Throws `UsageError` for an exchange. */
export function readableQueue(channel: string): string {
  const { kind, name } = parseChannelName(channel);
  if (kind === 'queue') return name;
  throw new UsageError(`"${channel}" is an exchange: it keeps no messages`, {
    hint: 'read from a queue that is bound to it: mqctl describe shows the bindings',
  });
}

/** The name of an exchange as a channel. */
export function exchangeChannel(name: string): string {
  return exchangePrefix + name;
}
