import { result, type Check, type CheckResult } from '../check.ts';

const fewest = 3;
const most = 5;
/** Where a channel says after how many deliveries a message dies. */
const limitNames = ['x-delivery-limit', 'delivery-limit', 'max.deliveries'] as const;

/** Whether what cannot be handled has somewhere to go, after three to five deliveries. */
export const dlq: Check = {
  id: 'dlq',
  about: 'a dead-letter channel is there, and three to five deliveries lead to it',
  limit: null,
  async run({ channels, driver, deadLetters }, signal) {
    const found = await deadLetters();
    const results: CheckResult[] = [];
    for (const channel of channels) {
      const { settings, deadLetter } = await driver.describe(channel, signal);
      const own = found.find(({ sources }) => sources.includes(channel));
      const target = deadLetter?.channel ?? own?.channel ?? null;
      if (target === null) {
        results.push(
          result(
            channel,
            'warn',
            'none is declared, and none is named after it',
            `mqctl describe ${channel}`,
          ),
        );
        continue;
      }
      const limit = limitNames.map((name) => settings[name]).find((value) => value !== undefined);
      if (limit === undefined)
        results.push(
          result(channel, 'pass', `${target}; how many deliveries lead there is up to the consumers`),
        );
      else if (Number(limit) < fewest || Number(limit) > most)
        results.push(
          result(
            channel,
            'warn',
            `${target}, after ${limit} deliveries: ${fewest.toString()} to ${most.toString()} are sound`,
          ),
        );
      else results.push(result(channel, 'pass', `${target}, after ${limit} deliveries`));
    }
    return results;
  },
};
