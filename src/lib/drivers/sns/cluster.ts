/** There is no cluster to see: that it answers, where, and for how many topics. */
import type { Cluster } from '../driver.ts';
import type { Session } from './session.ts';

/** Counting stops there: one request is a hundred topics. */
const mostCounted = 1_000;

export function cluster(session: Session): Cluster {
  return {
    async status(signal) {
      let topics = 0;
      for await (const { name } of session.topics(signal)) {
        if (name !== '') topics += 1;
        if (topics >= mostCounted) break;
      }
      const { region, endpoint } = session;
      return {
        system: 'Amazon SNS',
        version: null,
        cluster: null,
        nodes: [
          {
            node: endpoint ?? `sns.${region}`,
            address: endpoint,
            version: null,
            role: 'endpoint',
            running: true,
          },
        ],
        problems: [],
        facts: {
          region,
          topics: topics < mostCounted ? String(topics) : `${String(mostCounted)} or more`,
        },
        unknown: ['version, servers: AWS runs them, and tells of trouble at its Health Dashboard'],
      };
    },
  };
}
