/** The guided run: each step is a real command line, with a sentence of what to look for before it. */
export interface TourStep {
  readonly sentence: string;
  readonly words: readonly string[];
}

const outage = 'java.net.SocketTimeoutException';

export const tour: readonly TourStep[] = [
  { sentence: 'What is there?', words: ['ls'] },
  { sentence: 'Who lags, and since when? The warehouse stopped reading; billing keeps up.', words: ['lag'] },
  { sentence: 'What does an order look like?', words: ['consume', 'orders', '--last', '2', '-o', 'pretty'] },
  { sentence: 'Are there dead letters?', words: ['dlq', 'ls'] },
  {
    sentence: 'Of what did they die? Three causes, one of them an outage downstream.',
    words: ['dlq', 'groups', 'orders.dlq'],
  },
  {
    sentence: 'The outage is over: what would sending those back do?',
    words: ['dlq', 'redrive', 'orders.dlq', '--filter', `deadLetter.class == "${outage}"`, '--dry-run'],
  },
  {
    sentence:
      'Do it: one first, then wider, at 50 a second, watching whether they come back. Billing and the warehouse may see them again (--fan-out).',
    words: [
      'dlq',
      'redrive',
      'orders.dlq',
      '--filter',
      `deadLetter.class == "${outage}"`,
      '--rate',
      '50/s',
      '--canary-wait',
      '200ms',
      '--fan-out',
      '--yes',
    ],
  },
  {
    sentence: 'What is left needs a person: a customer that is missing, and a quantity that is no number.',
    words: ['dlq', 'groups', 'orders.dlq'],
  },
  {
    sentence: 'For cron and CI: exit 3 when something is wrong. The warehouse still is.',
    words: ['lag', 'warehouse', '--max-age', '5m', '--quiet'],
  },
];

/** A command line as a person would type it. */
export function typed(words: readonly string[]): string {
  return ['mqctl', ...words]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
