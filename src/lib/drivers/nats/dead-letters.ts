import type { DeadLetterPair, DeadLetters } from '../driver.ts';
import { capturedConsumers, captures } from './advisories.ts';
import { deadChannel } from './channel-name.ts';
import type { Session } from './session.ts';

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
    // The advisory says it, and is no part of the message.
    read: ({ deadLetter }) => deadLetter,
    volatileHeaders: [],
    volatileProperties: [],
  };
}
