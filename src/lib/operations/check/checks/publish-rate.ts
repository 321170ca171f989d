import { percent, result, type Check, type CheckResult } from '../check.ts';

/** The newest of the stored looks against those before. */
export const publishRate: Check = {
  id: 'publish-rate',
  about: 'what comes in, against the stored window',
  limit: { is: 'per cent of a drop', value: 50 },
  async run({ lag, settings }) {
    const byChannel = new Map((await lag()).groups.map((group) => [group.channel, group]));
    return [...byChannel.values()].map(({ channel, arrivals }): CheckResult => {
      const middle = arrivals.at(-2);
      const [first, last] = [arrivals[0], arrivals.at(-1)];
      if (arrivals.length < 3 || first === undefined || middle === undefined || last === undefined)
        return result(
          channel,
          'unknown',
          `too few earlier looks: ${Math.max(0, 3 - arrivals.length).toString()} more needed`,
          'mqctl lag',
        );
      const before = rate(first, middle);
      const now = rate(middle, last);
      if (before === null || now === null)
        return result(channel, 'unknown', 'how many came in is unknown', 'mqctl lag');
      const drop = percent(before - now, before);
      const evidence = `${now.toFixed(2)} messages a second, before ${before.toFixed(2)}`;
      const failed = before > 0 && drop > settings.number('publish-rate');
      return result(channel, failed ? 'fail' : 'pass', evidence, failed ? `mqctl describe ${channel}` : null);
    });
  },
};

interface Arrivals {
  readonly at: number;
  readonly total: number | null;
}

function rate(from: Arrivals, to: Arrivals): number | null {
  if (from.total === null || to.total === null || to.at <= from.at) return null;
  // A broker that counts anew counts from 0.
  const came = to.total < from.total ? to.total : to.total - from.total;
  return came / ((to.at - from.at) / 1_000);
}
