/**
 * RabbitMQ: messages over AMQP 0-9-1, what AMQP cannot tell over the management API where that is there, and the offsets that
 * consumers of streams store over the stream protocol.
 */
import type { Connection, Driver, Environment } from '../driver.ts';
import { admin } from './admin.ts';
import { AmqpQueues } from './amqp-queues.ts';
import { backlog } from './backlog.ts';
import { listChannels } from './channels.ts';
import { claim } from './claim.ts';
import { cluster } from './cluster.ts';
import { deadLetters } from './dead-letters.ts';
import { describeChannel } from './describe.ts';
import { groups } from './groups.ts';
import { lease } from './lease.ts';
import { look } from './look.ts';
import { Management } from './management.ts';
import { positions } from './positions.ts';
import { publish } from './publish.ts';
import { queueType } from './queue-type.ts';
import { serverWords } from './server-words.ts';
import { Session } from './session.ts';
import { Streams } from './streams.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const session = new Session(connection, environment);
  const { target, timeoutMs } = session;
  const { vhost } = session.address;
  const words = async (signal: AbortSignal) => serverWords(await session.connection('read', signal));
  const clusterName = async (signal: AbortSignal) => (await words(signal)).cluster;
  const management = new Management(connection, environment, clusterName);
  const queues = new AmqpQueues(session);
  const typeOf = (queue: string, signal: AbortSignal) => queueType(session, queue, signal);
  const streams = new Streams(connection, session.address, environment, management);
  const context = { management, queues, streams, typeOf, vhost, target };
  await session.open(environment.signal);
  return {
    target,
    channels: (request, signal) => listChannels(management, vhost, request, signal),
    describe: (channel, signal) => describeChannel(context, channel, signal),
    publish: publish(session),
    look: look(session, management),
    claim: claim(session, management),
    backlog: backlog({ ...context, heldHere: session.heldHere }),
    groups: groups(context),
    positions: positions(context),
    deadLetters: deadLetters(management, vhost),
    lease: lease({
      management,
      connect: (name, signal) => session.connect(name, signal),
      timeoutMs,
      vhost,
      target,
    }),
    admin: admin(context),
    cluster: cluster(management, words),
    async close() {
      streams.close();
      management.close();
      await session.close();
    },
  };
}
