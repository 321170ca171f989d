import { ofEachSample, result, shareText, type Check } from '../check.ts';
import { repeated } from './duplicates.ts';

/** Only the consumer's code tells: what speaks for the need of it. */
export const idempotency: Check = {
  id: 'idempotency',
  about: 'whether consumers stand duplicates: unknown from outside, duplicates are the evidence',
  limit: null,
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const ids = facts.filter(({ id }) => id !== null).length;
      return result(
        channel,
        'unknown',
        `a broker cannot tell; ${shareText(repeated(facts), facts.length)} came again, ${shareText(ids, facts.length)} carry an id to know them by`,
      );
    }),
};
