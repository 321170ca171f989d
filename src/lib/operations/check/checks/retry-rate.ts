import type { Redeliveries } from '../../../drivers/driver.ts';
import { ofEachSample, percent, result, shareText, type Check, type CheckResult } from '../check.ts';
import type { CheckSubject } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

/** `orders.retry`, `orders-retry-5m`, `orders_retry_1`, `orders-service-orders-retry`. */
const retryWord = /[._-]retry([._-]|$)/i;

/**
 * The share that is delivered again: where the broker counts it, or a message tells it itself; else how much goes through retry
 * channels.
 */
export const retryRate: Check = {
  id: 'retry-rate',
  about: 'share of messages that are delivered again',
  limit: { is: 'per cent', value: 30 },
  async run(subject, signal) {
    const counted = await subject.driver.backlog?.redeliveries?.(subject.channels, signal);
    if (counted === undefined) return ofSamples(subject, signal);
    const unread = new Set(
      (await subject.lag()).groups.flatMap(({ channel, members }) => (members === 0 ? [channel] : [])),
    );
    const limit = subject.settings.number('retry-rate');
    return counted.map((each) => ofCount(each, unread.has(each.channel), limit));
  },
};

function ofCount(
  { channel, delivered, again, windowMs }: Redeliveries,
  unread: boolean,
  limit: number,
): CheckResult {
  if (unread) return result(channel, 'unknown', 'nobody consumes it now');
  if (delivered === null || again === null || delivered === 0)
    return result(
      channel,
      'unknown',
      windowMs === null
        ? 'nothing is in flight, and the broker counts the deliveries of nothing else'
        : 'the broker has counted no delivery of late',
    );
  const which =
    windowMs === null
      ? 'deliveries of what is in flight'
      : `deliveries of the last ${(windowMs / 60_000).toString()} minutes`;
  const failed = percent(again, delivered) > limit;
  return result(
    channel,
    failed ? 'fail' : 'pass',
    `${shareText(again, delivered)} ${which} were of messages delivered before`,
    failed ? shellLine`mqctl groups describe ${channel}` : null,
  );
}

async function ofSamples(subject: CheckSubject, signal: AbortSignal): Promise<readonly CheckResult[]> {
  const limit = subject.settings.number('retry-rate');
  const retries = await retryChannels(subject, signal);
  return ofEachSample(subject, (facts, channel) => {
    const known = facts.filter(({ redelivered }) => redelivered !== null);
    const again = known.filter(({ redelivered }) => redelivered === true).length;
    if (known.length > 0)
      return result(
        channel,
        percent(again, known.length) > limit ? 'fail' : 'pass',
        `${shareText(again, known.length)} of those that wait were delivered before`,
      );
    if (retryWord.test(channel)) return result(channel, 'pass', 'it is a retry channel itself');
    const own = retries.filter(({ name }) => name.startsWith(channel));
    if (own.length === 0)
      return result(
        channel,
        'unknown',
        'messages do not tell it here, and no retry channel is named after it',
      );
    const count = own.reduce((sum, { messages }) => sum + messages, 0);
    const failed = percent(count, facts.length) > limit;
    const names = own.map(({ name }) => name).join(', ');
    return result(
      channel,
      failed ? 'fail' : 'pass',
      `${shareText(count, facts.length)} in ${names}`,
      failed ? shellLine`mqctl consume ${own[0]?.name ?? channel} --last 10` : null,
    );
  });
}

async function retryChannels(
  { driver }: CheckSubject,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly messages: number }[]> {
  const found: { name: string; messages: number }[] = [];
  for await (const { channel, messages } of driver.channels({ match: null, internal: false }, signal))
    if (retryWord.test(channel)) found.push({ name: channel, messages: messages ?? 0 });
  return found;
}
