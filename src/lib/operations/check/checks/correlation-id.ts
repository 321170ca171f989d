import { ofEachSample, percent, result, shareText, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const correlationId: Check = {
  id: 'correlation-id',
  about: 'share of a sample that carries a correlation id',
  limit: { is: 'per cent that must be', value: 95 },
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const found = facts.filter(({ correlationId }) => correlationId !== null).length;
      const enough = percent(found, facts.length) >= subject.settings.number('correlation-id');
      return result(
        channel,
        enough ? 'pass' : 'warn',
        `${shareText(found, facts.length)} carry one`,
        enough ? null : shellLine`mqctl consume ${channel} --last 1`,
      );
    }),
};
