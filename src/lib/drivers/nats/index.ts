/** NATS: messages through JetStream, and core NATS for what nothing keeps. */
import type { Connection, Driver, Environment } from '../driver.ts';
import { admin } from './admin.ts';
import { backlog } from './backlog.ts';
import { listChannels } from './channels.ts';
import { claim } from './claim.ts';
import { cluster } from './cluster.ts';
import { deadLetters } from './dead-letters.ts';
import { describeChannel } from './describe.ts';
import { groups } from './groups.ts';
import { lease } from './lease.ts';
import { look } from './look.ts';
import { positions } from './positions.ts';
import { publish } from './publish.ts';
import { readersOf } from './readers.ts';
import { requests } from './requests.ts';
import { Session } from './session.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const session = new Session(connection, environment);
  await session.connection(environment.signal);
  return {
    target: session.target,
    channels: (request, signal) => listChannels(session, request, signal),
    describe: (channel, signal) => describeChannel(session, channel, signal),
    readersOf: (channel, addresses, signal) => readersOf(session, channel, addresses, signal),
    publish: publish(session),
    requests: requests(session),
    look: look(session),
    claim: claim(session),
    backlog: backlog(session),
    groups: groups(session),
    positions: positions(session),
    deadLetters: deadLetters(session),
    lease: lease(session),
    admin: admin(session),
    cluster: cluster(session),
    close: () => session.close(),
  };
}
