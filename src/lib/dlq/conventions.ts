/** Names that teams and frameworks give to dead-letter channels. Data only; longest first, so that `-dlt` is not `t`. */
const suffixes = [
  '.dead-letters',
  '-dead-letters',
  '_dead_letters',
  '.dead-letter',
  '-dead-letter',
  '_dead_letter',
  '.deadletter',
  '-deadletter',
  // MassTransit
  '_skipped',
  '_error',
  // NServiceBus
  '.error',
  '-error',
  // Spring for Apache Kafka
  '.DLT',
  '-dlt',
  '.dlt',
  '_dlt',
  // everyone
  '.DLQ',
  '-DLQ',
  '_DLQ',
  '.dlq',
  '-dlq',
  '_dlq',
  ':dlq',
  '.dead',
  '-dead',
  '_dead',
  // Pulsar: TOPIC-SUBSCRIPTION-DLQ is caught above
  '/dead',
] as const;

const whole = new Set([
  'dlq',
  'dlt',
  'error',
  'errors',
  'dead-letters',
  'dead-letter',
  'deadletter',
  'deadletters',
]);

/** Whether a channel is named like one of dead letters, and then after which other one; null source: not said. */
export function byConvention(
  channel: string,
): { readonly source: string | null; readonly how: string } | null {
  const suffix = suffixes.find((known) => channel.endsWith(known) && channel.length > known.length);
  if (suffix !== undefined) return { source: channel.slice(0, -suffix.length), how: `named …${suffix}` };
  return whole.has(channel.toLowerCase()) ? { source: null, how: 'named so' } : null;
}
