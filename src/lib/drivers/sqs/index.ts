/** Amazon SQS over its HTTP API, or an emulator of it where the address names an endpoint. */
import { queueFacets } from '../aws/queues/queue-facets.ts';
import { openQueues } from '../aws/queues/session.ts';
import type { Connection, Driver, Environment } from '../driver.ts';
import { cluster } from './cluster.ts';
import { serverMove } from './server-move.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const session = await openQueues(connection, environment);
  return {
    target: session.target,
    ...queueFacets(session),
    serverMove: serverMove(session),
    cluster: cluster(session),
    close: () => session.close(),
  };
}
