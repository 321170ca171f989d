/** Amazon SQS over its HTTP API, or an emulator of it where the address names an endpoint. */
import type { Connection, Driver, Environment } from '../driver.ts';
import { admin } from './admin.ts';
import { backlog } from './backlog.ts';
import { listQueues } from './channels.ts';
import { claim } from './claim.ts';
import { cluster } from './cluster.ts';
import { declaredPairs } from './dead-letter-sources.ts';
import { describeQueue } from './describe.ts';
import { look } from './look.ts';
import { readDeath, volatileProperties } from './message.ts';
import { publish } from './publish.ts';
import { serverMove } from './server-move.ts';
import { Session } from './session.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const session = await Session.open(connection, environment);
  return {
    target: session.target,
    channels: (request, signal) => listQueues(session, request, signal),
    describe: (channel, signal) => describeQueue(session, channel, signal),
    publish: publish(session),
    look: look(session),
    claim: claim(session),
    backlog: backlog(session),
    deadLetters: {
      pairs: (signal) => declaredPairs(session, signal),
      read: readDeath,
      volatileHeaders: [],
      volatileProperties,
    },
    serverMove: serverMove(session),
    admin: admin(session),
    cluster: cluster(session),
    close: () => session.close(),
  };
}
