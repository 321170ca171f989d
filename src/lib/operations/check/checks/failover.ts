import { result, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const failover: Check = {
  id: 'failover',
  about: 'groups in which one member works alone',
  limit: null,
  async run({ lag }) {
    const members = new Map((await lag()).groups.map((each) => [each.group ?? each.channel, each.members]));
    return [...members].map(([name, count]) => {
      if (count === null) return result(name, 'unknown', 'its members are unknown');
      const evidence = `${count.toString()} ${count === 1 ? 'member' : 'members'}`;
      const next = count < 2 ? shellLine`mqctl groups describe ${name}` : null;
      return result(name, count < 2 ? 'warn' : 'pass', evidence, next);
    });
  },
};
