import { ofEachSample, percent, result, shareText, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const schema: Check = {
  id: 'schema',
  about: 'share of a sample that is framed by a registry or names its schema',
  limit: { is: 'per cent that must be', value: 95 },
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const found = facts.filter(({ framed }) => framed).length;
      const enough = percent(found, facts.length) >= subject.settings.number('schema');
      return result(
        channel,
        enough ? 'pass' : 'warn',
        `${shareText(found, facts.length)} are framed`,
        enough ? null : shellLine`mqctl consume ${channel} --last 1`,
      );
    }),
};
