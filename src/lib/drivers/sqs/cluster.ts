import { endpointStatus } from '../aws/endpoint-status.ts';
import type { Session } from '../aws/queues/session.ts';
import type { Cluster } from '../driver.ts';

/** Counting stops there: one request is a thousand queues. */
const mostCounted = 10_000;

/** That SQS answers, where, and how many queues there are. */
export function cluster(session: Session): Cluster {
  const { region, endpoint } = session;
  return {
    status: (signal) =>
      endpointStatus(
        { service: 'sqs', region, endpoint },
        { of: 'queues', names: session.names('', signal), most: mostCounted },
      ),
  };
}
