/** What a queue can do, for every driver that has queues of SQS among its channels. */
import type { Driver } from '../../driver.ts';
import { admin } from './admin.ts';
import { backlog } from './backlog.ts';
import { listQueues } from './channels.ts';
import { claim } from './claim.ts';
import { declaredPairs } from './dead-letter-sources.ts';
import { describeQueue } from './describe.ts';
import { look } from './look.ts';
import { readDeath, volatileProperties } from './message.ts';
import { publish } from './publish.ts';
import type { Session } from './session.ts';

type Facets = 'channels' | 'describe' | 'publish' | 'look' | 'claim' | 'backlog' | 'deadLetters' | 'admin';

export type QueueFacets = Required<Pick<Driver, Facets>>;

/** What a driver does with queues: the same for SQS itself and for the queues beside the topics of SNS. */
export function queueFacets(session: Session): QueueFacets {
  return {
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
    admin: admin(session),
  };
}
