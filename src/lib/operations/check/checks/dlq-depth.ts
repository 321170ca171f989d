import { result, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const dlqDepth: Check = {
  id: 'dlq-depth',
  about: 'dead letters that are not resolved',
  limit: { is: 'messages', value: 100 },
  async run({ deadLetters, settings }) {
    const found = await deadLetters();
    if (found.length === 0) return [result(null, 'pass', 'no dead-letter channel, so no dead letter')];
    return found.map(({ channel, depth }) => {
      if (depth === null) return result(channel, 'unknown', 'its depth is unknown', 'mqctl dlq ls');
      const status = depth > settings.number('dlq-depth') ? 'fail' : depth > 0 ? 'warn' : 'pass';
      return result(
        channel,
        status,
        `${depth.toString()} unresolved`,
        depth > 0 ? shellLine`mqctl dlq groups ${channel}` : null,
      );
    });
  },
};
