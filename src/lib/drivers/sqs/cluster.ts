/** There is no cluster to see: that it answers, where, and for how many queues. */
import type { Cluster } from '../driver.ts';
import type { Session } from '../aws/queues/session.ts';

/** Counting stops there: one request is a thousand queues. */
const mostCounted = 10_000;

export function cluster(session: Session): Cluster {
  return {
    async status(signal) {
      let queues = 0;
      for await (const name of session.names('', signal)) {
        if (name !== '') queues += 1;
        if (queues >= mostCounted) break;
      }
      const { region, endpoint } = session;
      return {
        system: 'Amazon SQS',
        version: null,
        cluster: null,
        nodes: [
          {
            node: endpoint ?? `sqs.${region}`,
            address: endpoint,
            version: null,
            role: 'endpoint',
            running: true,
          },
        ],
        problems: [],
        facts: {
          region,
          queues: queues < mostCounted ? String(queues) : `${String(mostCounted)} or more`,
        },
        unknown: ['version, servers: AWS runs them, and tells of trouble at its Health Dashboard'],
      };
    },
  };
}
