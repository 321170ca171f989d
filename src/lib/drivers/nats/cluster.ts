/** The state of the server and of its JetStream, as a client sees it. */
import type { Cluster } from '../driver.ts';
import type { Session } from './session.ts';
import { streamsOf } from './streams.ts';

/** Of the one server that it is connected to, the streams of this account, and how much of its limits is used. */
export function cluster(session: Session): Cluster {
  return {
    async status(signal) {
      const connection = await session.connection(signal);
      const { info } = connection;
      const account = await session.ask('the account', (manager) => manager.getAccountInfo(), signal);
      const streams = await streamsOf(session, null, signal);
      const problems: string[] = [];
      const name = info?.cluster;
      for (const { config, cluster: state } of streams) {
        if (state === undefined) continue;
        if (name !== undefined && (state.leader === undefined || state.leader === ''))
          problems.push(`stream "${config.name}" has no leader: nothing can be stored in it`);
        for (const replica of state.replicas ?? []) {
          if (replica.offline === true)
            problems.push(`stream "${config.name}": its replica on ${replica.name} is offline`);
          else if (!replica.current)
            problems.push(`stream "${config.name}": its replica on ${replica.name} is behind`);
        }
      }
      for (const [what, used, most] of [
        ['file storage', account.storage, account.limits.max_storage],
        ['memory', account.memory, account.limits.max_memory],
      ] as const)
        if (most > 0 && used >= most * nearlyFull)
          problems.push(
            `JetStream has used ${String(used)} of ${String(most)} bytes of ${what} of this account`,
          );
      const others = (info?.connect_urls ?? []).filter((url) => url !== connection.getServer());
      return {
        system: 'NATS',
        version: info?.version ?? null,
        cluster: name ?? null,
        nodes: [
          {
            node: info?.server_name ?? connection.getServer(),
            address: connection.getServer(),
            version: info?.version ?? null,
            role: null,
            running: true,
          },
        ],
        problems,
        facts: {
          streams: String(account.streams),
          consumers: String(account.consumers),
          'file storage': String(account.storage),
          memory: String(account.memory),
          'largest message': String(info?.max_payload ?? ''),
        },
        unknown:
          others.length === 0
            ? []
            : [
                `the state of the other servers (${others.join(', ')}): a client sees the one that it is connected to`,
              ],
      };
    },
  };
}

const nearlyFull = 0.95;
