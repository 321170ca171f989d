import type { MessageFacts } from '../channel-sample.ts';
import { ofEachSample, percent, result, shareText, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const duplicates: Check = {
  id: 'duplicates',
  about: 'the same id, or the same key and value, among the last 10,000',
  limit: { is: 'per cent', value: 1 },
  run: (subject) =>
    ofEachSample(subject, (facts, channel) => {
      const again = repeated(facts);
      const failed = percent(again, facts.length) > subject.settings.number('duplicates');
      return result(
        channel,
        failed ? 'fail' : 'pass',
        `${shareText(again, facts.length)} again`,
        failed ? shellLine`mqctl consume ${channel} --last 100` : null,
      );
    }),
};

/** How many are another's copy: by their id, else by what they hold. */
export function repeated(facts: readonly MessageFacts[]): number {
  return facts.length - new Set(facts.map(({ id, content }) => id ?? `content ${content}`)).size;
}
