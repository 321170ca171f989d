/**
 * One operator for each dead-letter queue: an exclusive queue beside it. Only its own connection may declare it, and it
 * vanishes with that connection, so a lease never outlives its holder. Its arguments say who holds it.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError } from '../../errors.ts';
import type { HeldLease, Lease, LeaseHolder } from '../driver.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { codeOf, friendly, replyCode, withinTime } from './amqp-queues.ts';
import { numberOf, textOf } from './json.ts';
import type { Management } from './management.ts';
import { queueFacts } from './queue-facts.ts';

/** The management API knows a connection some seconds after it was made: 4 s were seen with statistics every second. */
const ownerTries = 60;
const ownerPauseMs = 250;
/** How often the name is tried again after its holder's connection was closed. */
const takeOverTries = 40;
const takeOverPauseMs = 100;

const longestName = 255;

export interface LeaseContext {
  readonly management: Management;
  /** A connection that is the lease's own; `name` is shown to operators. */
  readonly connect: (name: string, signal: AbortSignal) => Promise<AmqpConnection>;
  readonly timeoutMs: number;
  readonly vhost: string;
  readonly target: string;
}

/** A name that would be too long for AMQP is hashed. */
function leaseQueue(channel: string): string {
  const name = `mqctl.lease.${channel}`;
  if (Buffer.byteLength(name) <= longestName) return name;
  return `mqctl.lease.sha256.${createHash('sha256').update(channel).digest('hex')}`;
}

/** Throws `FailedError` with code `HELD`; to take over, the holder's connection is closed, which takes the management API. */
export function lease(context: LeaseContext): Lease {
  return {
    async acquire(channel, holder, takeOver, signal) {
      const connection = await context.connect(`mqctl lease ${channel}`, signal);
      try {
        if (!(await declare(context, connection, channel, holder, signal))) {
          if (!takeOver) throw await held(context, channel, signal);
          await closeHolder(context, channel, holder, signal);
          await declareAgain(context, connection, channel, holder, signal);
        }
        return heldLease(connection, context.timeoutMs);
      } catch (error) {
        await connection.close(context.timeoutMs);
        throw error;
      }
    },
  };
}

function heldLease(connection: AmqpConnection, timeoutMs: number): HeldLease {
  const lost = new AbortController();
  let releasing: Promise<void> | null = null;
  void connection.closed.then(() => {
    if (releasing !== null) return;
    const message = 'the lease was lost: its connection to RabbitMQ was closed';
    lost.abort(new FailedError(message, { code: 'LEASE_LOST' }));
  });
  return {
    lost: lost.signal,
    release() {
      releasing ??= connection.close(timeoutMs);
      return releasing;
    },
  };
}

/** false: another connection holds it. */
async function declare(
  context: LeaseContext,
  connection: AmqpConnection,
  channel: string,
  holder: LeaseHolder,
  signal: AbortSignal,
): Promise<boolean> {
  const amqp = await withinTime(connection.model.createChannel(), context.timeoutMs, signal);
  amqp.on('error', () => undefined);
  try {
    const declared = amqp.assertQueue(leaseQueue(channel), {
      exclusive: true,
      durable: false,
      autoDelete: false,
      arguments: {
        'x-queue-type': 'classic',
        who: holder.who,
        host: holder.host,
        since: holder.since,
      },
    });
    await withinTime(declared, context.timeoutMs, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === replyCode.resourceLocked) return false;
    throw signal.aborted ? error : friendly(error, `lease on "${channel}"`);
  }
}

async function held(context: LeaseContext, channel: string, signal: AbortSignal): Promise<FailedError> {
  const { api, missing } = await context.management.reach(signal);
  const facts = api === null ? null : await queueFacts(api, context.vhost, leaseQueue(channel), signal);
  if (facts === null) {
    const why = missing ?? 'the management API does not show it';
    return new FailedError(
      `"${channel}" at ${context.target} is held by another run; who holds it is unknown: ${why}`,
      {
        code: 'HELD',
        hint: 'wait for it, or end that process',
      },
    );
  }
  const since = numberOf(facts.arguments['since']);
  const at = since === null ? '' : ` since ${new Date(since).toISOString()}`;
  const who = textOf(facts.arguments['who']) ?? 'someone';
  const host = textOf(facts.arguments['host']) ?? 'an unknown host';
  return new FailedError(`"${channel}" at ${context.target} is held by ${who} on ${host}${at}`, {
    code: 'HELD',
    hint: 'wait for it, or use --take-over when you know that it has ended',
  });
}

/** AMQP lets nobody delete another connection's exclusive queue: an operator closes that connection. */
async function closeHolder(
  context: LeaseContext,
  channel: string,
  holder: LeaseHolder,
  signal: AbortSignal,
): Promise<void> {
  const { api, missing } = await context.management.reach(signal);
  if (api === null)
    throw new FailedError(`the lease on "${channel}" at ${context.target} cannot be taken over: ${missing}`, {
      code: 'HELD',
      hint: `end the process that holds it, or close the connection "mqctl lease ${channel}" with rabbitmqctl`,
    });
  for (let tries = 0; tries < ownerTries; tries++) {
    const facts = await queueFacts(api, context.vhost, leaseQueue(channel), signal);
    if (facts === null) return;
    if (facts.ownerConnection !== null) {
      const path = `/api/connections/${encodeURIComponent(facts.ownerConnection)}`;
      await api.delete(path, `mqctl lease taken over by ${headerText(holder)}`, signal);
      return;
    }
    await sleep(ownerPauseMs, undefined, { signal });
  }
  throw new FailedError(`the management API does not say whose connection holds the lease on "${channel}"`, {
    code: 'HELD',
    hint: 'try again, or end the process that holds it',
  });
}

async function declareAgain(
  context: LeaseContext,
  connection: AmqpConnection,
  channel: string,
  holder: LeaseHolder,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < takeOverTries; tries++) {
    if (await declare(context, connection, channel, holder, signal)) return;
    await sleep(takeOverPauseMs, undefined, { signal });
  }
  throw await held(context, channel, signal);
}

/** What an HTTP header can carry. */
function headerText(holder: LeaseHolder): string {
  return `${holder.who} on ${holder.host}`.replace(/[^\x20-\x7e]+/g, '?').slice(0, 200);
}
