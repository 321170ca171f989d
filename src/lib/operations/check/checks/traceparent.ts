import { ofEachSample, percent, result, shareText, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const traceparent: Check = {
  id: 'traceparent',
  about: 'share of a sample that carries a W3C traceparent',
  limit: { is: 'per cent that must be', value: 95 },
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const found = facts.filter(({ traced }) => traced).length;
      const enough = percent(found, facts.length) >= subject.settings.number('traceparent');
      return result(
        channel,
        enough ? 'pass' : 'warn',
        `${shareText(found, facts.length)} carry one`,
        enough ? null : shellLine`mqctl consume ${channel} --last 1`,
      );
    }),
};
