import { Session } from '../../../src/lib/drivers/kafka/session.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';

/** A connection without a login. */
export function plainConnection(address: string): Connection {
  return {
    url: `kafka://${address}`,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings: {},
  };
}

/** A session that counts its requests by API: `{ Metadata: 1, … }`. */
export async function countingSession(
  connection: Connection,
  timeoutMs = 15_000,
): Promise<{ readonly session: Session; readonly requests: Map<string, number> }> {
  const requests = new Map<string, number>();
  const session = await Session.open(connection, {
    log: (line) => {
      const api = /^kafka \S+ (\w+) v\d+ [\d.]+ ms$/.exec(line)?.[1];
      if (api !== undefined) requests.set(api, (requests.get(api) ?? 0) + 1);
    },
    timeoutMs,
    signal: new AbortController().signal,
    stateFolder: '/nonexistent',
  });
  return { session, requests };
}
