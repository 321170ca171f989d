/** Amazon SNS over its HTTP API: topics, and beside them the queues that their subscriptions lead to. */
import { UnsupportedError } from '../../errors.ts';
import { volatileProperties } from '../aws/queues/message.ts';
import type { Admin, Claim, Driver, Look, OpenDriver, Publish } from '../driver.ts';
import { SnsAdmin } from './admin.ts';
import { cluster } from './cluster.ts';
import { SnsLook } from './look.ts';
import { SnsPublish } from './publish.ts';
import { queueOf } from './queue-channels.ts';
import { QueueSide } from './queue-side.ts';
import { openTopics } from './session.ts';
import { DeadLetterRoutes } from './subscriptions.ts';
import { describeTopic, snsChannels } from './topics.ts';

export const open: OpenDriver = async (connection, environment): Promise<Driver> => {
  const session = await openTopics(connection, environment);
  const routes = new DeadLetterRoutes(session);
  const queues = new QueueSide(session, routes);
  return {
    target: session.target,
    // A list is one of topics, unless a pattern asks for queues.
    channels: ({ match }, signal) =>
      match !== null && queueOf(match) !== null
        ? queues.channels(match, signal)
        : snsChannels(session, match, signal),
    describe: (channel, signal) => {
      refuseReceiver(channel);
      return queueOf(channel) === null
        ? describeTopic(session, channel, signal)
        : queues.describe(channel, signal);
    },
    close: () => session.close(),
    publish: publishTo(new SnsPublish(session), queues.publish),
    look: lookAt(new SnsLook(session), queues.look),
    claim: claimFrom(queues.claim),
    backlog: queues.backlog,
    deadLetters: {
      pairs: (signal) => routes.pairs(signal),
      // Read where the message was: its subscriptions were known there.
      read: ({ deadLetter }) => deadLetter,
      volatileHeaders: [],
      volatileProperties,
    },
    admin: adminOf(new SnsAdmin(session), queues.admin),
    cluster: cluster(session),
  };
};

/** A function, a web server, a telephone: SNS delivers to it, and nobody else can. Throws `UnsupportedError`. */
function refuseReceiver(channel: string): void {
  if (queueOf(channel) !== null || !/^arn:(?!aws[\w-]*:sns:)|:\/\//.test(channel)) return;
  throw new UnsupportedError(`nothing can be sent to "${channel}" by itself: SNS alone delivers there`, {
    hint: 'say --to QUEUE, or --to TOPIC, where all of its subscribers get it again',
  });
}

function publishTo(topics: Publish, queues: Publish): Publish {
  const of = (channel: string): Publish => (queueOf(channel) === null ? topics : queues);
  return {
    open: (request, signal) => of(request.channel).open(request, signal),
    limits: (channel, signal) => of(channel).limits(channel, signal),
  };
}

function lookAt(topics: Look, queues: Look): Look {
  const of = (channel: string): Look => (queueOf(channel) === null ? topics : queues);
  return {
    appraise: (channel, signal) => of(channel).appraise(channel, signal),
    open: (request, signal) => of(request.channel).open(request, signal),
  };
}

function claimFrom(queues: Claim): Claim {
  return {
    async open(request, signal) {
      if (queueOf(request.channel) !== null) return queues.open(request, signal);
      throw new UnsupportedError(
        `the topic "${request.channel}" keeps nothing that could be taken: what it passed on lies in the queues of its subscriptions`,
        {
          hint: 'take from one of them (queue:NAME, "mqctl describe" names them), or see what comes with "mqctl consume TOPIC --follow --via-queue"',
        },
      );
    },
  };
}

function adminOf(topics: Admin, queues: Admin): Admin {
  const of = (channel: string): Admin => (queueOf(channel) === null ? topics : queues);
  return {
    create: (request, signal) => of(request.channel).create(request, signal),
    delete: (channel, signal) => of(channel).delete(channel, signal),
    purge: (channel, signal) => of(channel).purge(channel, signal),
    settings: (channel, names, signal) => of(channel).settings(channel, names, signal),
    alter: (request, signal) => of(request.channel).alter(request, signal),
  };
}
