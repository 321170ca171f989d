import { ofEachSample, result, shareText, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const clock: Check = {
  id: 'clock',
  about: "records ahead of this machine's time",
  limit: { is: 'milliseconds that are tolerated', value: 1_000 },
  run: (subject) => {
    const now = subject.now();
    return ofEachSample(subject, (facts, channel) => {
      const dated = facts.flatMap(({ at, clock: by }) => (at === null || by === 'append' ? [] : [at]));
      if (dated.length === 0)
        return result(channel, 'pass', "no time of a producer's is in it: none can be ahead");
      const ahead = dated.filter((at) => at - now > subject.settings.number('clock'));
      const furthest = ahead.reduce((most, at) => Math.max(most, at - now), 0);
      return ahead.length === 0
        ? result(channel, 'pass', `none of ${dated.length.toString()} is ahead`)
        : result(
            channel,
            'fail',
            `${shareText(ahead.length, dated.length)} are ahead, by up to ${Math.round(furthest / 1_000).toString()} s`,
            shellLine`mqctl consume ${channel} --last 10 -o table`,
          );
    });
  },
};
