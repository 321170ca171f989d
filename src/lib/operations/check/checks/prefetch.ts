import { result, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const prefetch: Check = {
  id: 'prefetch',
  about: 'consumers that take more than they may hold',
  limit: { is: 'messages', value: 1_000 },
  async run({ groups, settings }) {
    const limit = settings.number('prefetch');
    return (await groups()).map(({ group, memberList }) => {
      if (memberList.length === 0) return result(group, 'pass', 'it has no member');
      const known = memberList.flatMap(({ prefetch: held }) => (held === null ? [] : [held]));
      if (known.length === 0) return result(group, 'unknown', 'its members do not tell it to the broker');
      const unbounded = known.filter((held) => held === 0).length;
      const most = Math.max(...known);
      if (unbounded > 0)
        return result(
          group,
          'fail',
          `${unbounded.toString()} of its consumers take without bound`,
          shellLine`mqctl groups describe ${group}`,
        );
      return result(group, most > limit ? 'warn' : 'pass', `at most ${most.toString()} at once`);
    });
  },
};
