import { result, type Check, type CheckResult } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

const fewest = 3;
const most = 5;

/** Whether what cannot be handled has somewhere to go, after three to five deliveries. */
export const dlq: Check = {
  id: 'dlq',
  about: 'a dead-letter channel is there, and three to five deliveries lead to it',
  limit: null,
  async run({ channels, driver, deadLetters }, signal) {
    const found = await deadLetters();
    const results: CheckResult[] = [];
    for (const channel of channels) {
      const { deadLetter } = await driver.describe(channel, signal);
      const own = found.find(({ sources }) => sources.includes(channel));
      const target = deadLetter?.channel ?? own?.channel ?? null;
      if (target === null) {
        results.push(
          result(
            channel,
            'warn',
            'none is declared, and none is named after it',
            shellLine`mqctl describe ${channel}`,
          ),
        );
        continue;
      }
      const limit = (await driver.look?.appraise(channel, signal))?.deliveryLimit ?? null;
      if (limit === null)
        results.push(
          result(channel, 'pass', `${target}; how many deliveries lead there is up to the consumers`),
        );
      else if (limit < fewest || limit > most)
        results.push(
          result(
            channel,
            'warn',
            `${target}, after ${limit.toString()} deliveries: ${fewest.toString()} to ${most.toString()} are sound`,
          ),
        );
      else results.push(result(channel, 'pass', `${target}, after ${limit.toString()} deliveries`));
    }
    return results;
  },
};
