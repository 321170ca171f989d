import type { Workplace } from './workplace.ts';

/** What a consumer that parses JSON leaves behind: some slow answers, and the one message that it can never read. */
export const poison = '{"total": 7';
const deadLetters = [
  { value: '{"total":1}', class: 'com.acme.SlowAnswer', message: 'timed out after 17 ms' },
  { value: poison, class: 'com.acme.JsonError', message: 'unexpected end of input at column 11' },
  { value: '{"total":2}', class: 'com.acme.SlowAnswer', message: 'timed out after 23 ms' },
];

/** As `produce --format ndjson` takes them. */
export const deadLetterLines = deadLetters
  .map(({ value, class: name, message }) =>
    JSON.stringify({
      value,
      headers: [
        ['x-exception-class', name],
        ['x-exception-message', message],
      ],
    }),
  )
  .join('\n');

export interface CauseGroup {
  readonly cause: string;
  readonly count: number;
  readonly class: string | null;
  readonly message: string | null;
  readonly channels: readonly string[];
  readonly sample: string;
}

/** What `dlq groups` tells of a channel. */
export async function causesOf(
  { done }: Workplace,
  channel: string,
  ...words: readonly string[]
): Promise<readonly CauseGroup[]> {
  const { stdout } = await done(['dlq', 'groups', channel, '-o', 'json', ...words]);
  return (JSON.parse(stdout.toString()) as { groups: CauseGroup[] }).groups;
}
