import type { Arrivals } from '../../lag/report.ts';
import { percent, result, type Check, type CheckResult } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

/** The newest of the stored looks against those before. */
export const publishRate: Check = {
  id: 'publish-rate',
  about: 'what comes in, against the stored window',
  limit: { is: 'per cent of a drop', value: 50 },
  async run({ channels, lag, arrivals, settings }) {
    const mostPerCent = settings.number('publish-rate');
    const byChannel = new Map((await lag()).groups.map((group) => [group.channel, group.arrivals]));
    const unread = await arrivals(channels.filter((channel) => !byChannel.has(channel)));
    return [
      ...[...byChannel].map(([channel, looks]) => judged(channel, looks, mostPerCent, 'mqctl lag')),
      ...[...unread].map(([channel, looks]) =>
        typeof looks === 'string'
          ? result(channel, 'unknown', looks)
          : judged(channel, looks, mostPerCent, shellLine`mqctl check ${channel} --only publish-rate`),
      ),
    ];
  },
};

/** `looking`: the command that looks once more. */
function judged(
  channel: string,
  looks: readonly Arrivals[],
  mostPerCent: number,
  looking: string,
): CheckResult {
  const middle = looks.at(-2);
  const [first, last] = [looks[0], looks.at(-1)];
  if (looks.length < 3 || first === undefined || middle === undefined || last === undefined)
    return result(
      channel,
      'unknown',
      `too few earlier looks: ${Math.max(0, 3 - looks.length).toString()} more needed`,
      looking,
    );
  const before = rate(first, middle);
  const now = rate(middle, last);
  if (before === null || now === null)
    return result(channel, 'unknown', 'how many came in is unknown', looking);
  const drop = percent(before - now, before);
  const evidence = `${now.toFixed(2)} messages a second, before ${before.toFixed(2)}`;
  const failed = before > 0 && drop > mostPerCent;
  return result(
    channel,
    failed ? 'fail' : 'pass',
    evidence,
    failed ? shellLine`mqctl describe ${channel}` : null,
  );
}

function rate(from: Arrivals, to: Arrivals): number | null {
  if (from.total === null || to.total === null || to.at <= from.at) return null;
  // A broker that counts anew counts from 0.
  const came = to.total < from.total ? to.total : to.total - from.total;
  return came / ((to.at - from.at) / 1_000);
}
