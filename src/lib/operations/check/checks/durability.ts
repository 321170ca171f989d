import type { ChannelDescription } from '../../../drivers/driver.ts';
import { result, type Check, type CheckResult } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

export const durability: Check = {
  id: 'durability',
  about: 'replicas, in sync, and durable queues',
  limit: { is: 'replicas', value: 2 },
  async run({ channels, driver, settings }, signal) {
    const results: CheckResult[] = [];
    for (const channel of channels)
      results.push(judge(await driver.describe(channel, signal), settings.number('durability')));
    return results;
  },
};

function judge(
  { channel, partitionList, settings, unknown }: ChannelDescription,
  fewest: number,
): CheckResult {
  const next = shellLine`mqctl describe ${channel}`;
  if (settings['durable'] === 'false')
    return result(channel, 'fail', 'not durable: it does not outlive a restart of the broker', next);
  const replicated = partitionList.filter(({ replicas }) => replicas.length > 0);
  const least = Math.min(...replicated.map(({ replicas }) => replicas.length));
  const behind = replicated.filter(({ replicas, inSync }) => inSync.length < replicas.length).length;
  if (behind > 0)
    return result(
      channel,
      'fail',
      `${behind.toString()} partitions have replicas that are not in sync`,
      'mqctl status',
    );
  if (replicated.length > 0) {
    const evidence = `${least.toString()} replicas${settings['min.insync.replicas'] === undefined ? '' : `, ${settings['min.insync.replicas']} of them must have it`}; acks are the producers' choice`;
    return result(channel, least < fewest ? 'warn' : 'pass', evidence, least < fewest ? next : null);
  }
  if (settings['durable'] === 'true') return result(channel, 'pass', 'durable');
  return result(channel, 'unknown', unknown[0] ?? 'this system does not tell');
}
