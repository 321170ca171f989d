import { ofEachSample, result, type Check } from '../check.ts';

/** Gaps between the tries of one message, as far as tries are messages of their own. */
export const backoff: Check = {
  id: 'backoff',
  about: 'the pause between two tries of one message, seen in the sample',
  limit: { is: 'milliseconds that the median must be', value: 1_000 },
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const last = new Map<string, number>();
      const gaps: number[] = [];
      for (const { id, at } of facts) {
        if (id === null || at === null) continue;
        const before = last.get(id);
        if (before !== undefined) gaps.push(at - before);
        last.set(id, at);
      }
      const median = gaps.sort((one, other) => one - other)[Math.floor(gaps.length / 2)];
      if (median === undefined)
        return result(channel, 'unknown', 'no message is in the sample twice by its id: no retry was seen');
      return result(
        channel,
        median < subject.settings.number('backoff') ? 'fail' : 'pass',
        `${gaps.length.toString()} tries came again after ${median.toString()} ms (median)`,
      );
    }),
};
