import { percent, result, type Check, type CheckResult } from '../check.ts';

/** The newest of the stored looks against those before. */
export const publishRate: Check = {
  id: 'publish-rate',
  about: 'what comes in, against the stored window',
  limit: { is: 'per cent of a drop', value: 50 },
  async run({ lag, settings }) {
    const byChannel = new Map((await lag()).groups.map((group) => [group.channel, group]));
    return [...byChannel.values()].map(({ channel, ends }): CheckResult => {
      const middle = ends.at(-2);
      const [first, last] = [ends[0], ends.at(-1)];
      if (ends.length < 3 || first === undefined || middle === undefined || last === undefined)
        return result(
          channel,
          'unknown',
          `too few earlier looks: ${Math.max(0, 3 - ends.length).toString()} more needed`,
          'mqctl lag',
        );
      const before = rate(first, middle);
      const now = rate(middle, last);
      if (before === null || now === null)
        return result(channel, 'unknown', 'the positions of its end are unknown', 'mqctl lag');
      const drop = percent(before - now, before);
      const evidence = `${now.toFixed(2)} messages a second, before ${before.toFixed(2)}`;
      const failed = before > 0 && drop > settings.number('publish-rate');
      return result(channel, failed ? 'fail' : 'pass', evidence, failed ? `mqctl describe ${channel}` : null);
    });
  },
};

interface End {
  readonly at: number;
  readonly end: number | null;
}

function rate(from: End, to: End): number | null {
  if (from.end === null || to.end === null || to.at <= from.at) return null;
  return (to.end - from.end) / ((to.at - from.at) / 1_000);
}
