import { result, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

/** Ninety-nine of a hundred take at most so long from one channel to another, by their correlation ids. */
export const processingTime: Check = {
  id: 'processing-time',
  about: 'the 99th percentile between two channels by correlation id (--between A B --p99 D)',
  limit: null,
  async run({ between, sample }) {
    if (between === null)
      return [result(null, 'unknown', 'no two channels are named', 'mqctl check --between A B --p99 5s')];
    const { from, to, p99Ms } = between;
    const where = `${from} to ${to}`;
    const [begun, ended] = [await sample(from), await sample(to)];
    if (typeof begun === 'string') return [result(where, 'unknown', `${from}: ${begun}`)];
    if (typeof ended === 'string') return [result(where, 'unknown', `${to}: ${ended}`)];
    const starts = new Map<string, number>();
    for (const { correlationId, at } of begun)
      if (correlationId !== null && at !== null && !starts.has(correlationId)) starts.set(correlationId, at);
    const times = ended
      .flatMap(({ correlationId, at }) => {
        const start = correlationId === null ? undefined : starts.get(correlationId);
        return start === undefined || at === null ? [] : [at - start];
      })
      .sort((one, other) => one - other);
    const p99 = times[Math.ceil(times.length * 0.99) - 1];
    if (p99 === undefined)
      return [
        result(
          where,
          'unknown',
          'no correlation id is in both of them',
          shellLine`mqctl check ${from} --only correlation-id`,
        ),
      ];
    const evidence = `99 % of ${times.length.toString()} within ${p99.toString()} ms, at most ${p99Ms.toString()} ms may be`;
    return [result(where, p99 > p99Ms ? 'fail' : 'pass', evidence)];
  },
};
