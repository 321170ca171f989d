import { endpointStatus } from '../aws/endpoint-status.ts';
import type { Cluster } from '../driver.ts';
import type { Session } from './session.ts';

/** Counting stops there: one request is a hundred topics. */
const mostCounted = 1_000;

/** That SNS answers, where, and how many topics there are. */
export function cluster(session: Session): Cluster {
  const { region, endpoint } = session;
  return {
    status: (signal) =>
      endpointStatus(
        { service: 'sns', region, endpoint },
        { of: 'topics', names: topicNames(session, signal), most: mostCounted },
      ),
  };
}

async function* topicNames(session: Session, signal: AbortSignal): AsyncGenerator<string> {
  for await (const { name } of session.topics(signal)) yield name;
}
