import { RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { FailedError } from '../../errors.ts';
import type { DeadLetterCapture, DeadLetterPair, DeadLetters } from '../driver.ts';
import { capturedConsumers, capturedSubjects, captures } from './advisories.ts';
import { deadChannel } from './channel-name.ts';
import type { Session } from './session.ts';

/** A small stream: an advisory has some 300 bytes. */
const ownCapture = {
  name: 'MQCTL_DEAD_LETTERS',
  description: 'What consumers gave up: the advisories of the server, captured for mqctl dlq',
  subjects: [...capturedSubjects],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  max_msgs: 100_000,
  max_bytes: 64 * 1024 * 1024,
  allow_direct: true,
};

function capture(session: Session): DeadLetterCapture {
  const missing = async (signal: AbortSignal) => {
    if ((await captures(session, signal)).length > 0) return null;
    return [
      `the stream ${ownCapture.name}, on file, of at most ${ownCapture.max_msgs.toLocaleString('en-US')} advisories or 64 MiB (the oldest go first)`,
      ...capturedSubjects.map((subject) => `capturing ${subject}`),
      'it holds where a message is that ran out of deliveries or was terminated, not the message itself',
    ];
  };
  return {
    missing,
    async install(signal) {
      if ((await missing(signal)) === null)
        throw new FailedError(`${session.target} captures dead letters already`, { code: 'EXISTS' });
      await session.ask(`stream "${ownCapture.name}"`, ({ streams }) => streams.add(ownCapture), signal);
    },
  };
}

/** What consumers gave up, where a stream captures the server's advisories. */
export function deadLetters(session: Session): DeadLetters {
  return {
    async pairs(signal) {
      const pairs: DeadLetterPair[] = [];
      for (const info of await captures(session, signal))
        for (const { stream, consumer } of await capturedConsumers(session, info, signal))
          pairs.push({
            source: stream,
            deadLetter: deadChannel(stream, consumer),
            how: `advisories captured by ${info.config.name}`,
          });
      return pairs;
    },
    capture: capture(session),
    // The advisory says it, and is no part of the message.
    read: ({ deadLetter }) => deadLetter,
    volatileHeaders: [],
    volatileProperties: [],
  };
}
