/** Amazon SQS over its HTTP API, or an emulator of it where the address names an endpoint. */
import type { Connection, Driver, Environment } from '../driver.ts';
import { admin } from './admin.ts';
import { listQueues } from './channels.ts';
import { cluster } from './cluster.ts';
import { describeQueue } from './describe.ts';
import { Session } from './session.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const session = await Session.open(connection, environment);
  return {
    target: session.target,
    channels: (request, signal) => listQueues(session, request, signal),
    describe: (channel, signal) => describeQueue(session, channel, signal),
    admin: admin(session),
    cluster: cluster(session),
    close: () => session.close(),
  };
}
