import type { Workplace } from './workplace.ts';

/** Puts dead letters of two causes, three time-outs and one of bad JSON, into the channel, as if they came from `origin`. */
export async function incident(shop: Workplace, deadLetters: string, origin: string): Promise<void> {
  const lines = ['one', 'two', 'broken', 'three'].map((value) =>
    JSON.stringify({
      value: JSON.stringify({ name: value, note: '日本語 😀 \u001b[2J' }),
      headers: [
        ['x-exception-class', value === 'broken' ? 'JsonParseException' : 'SocketTimeoutException'],
        ['x-exception-message', value === 'broken' ? 'unexpected' : 'timed out \u001b]0;owned\u0007'],
        ['x-original-topic', origin],
      ],
    }),
  );
  await shop.done(['produce', deadLetters, '--format', 'ndjson'], lines.join('\n'));
}

/** The names in the values that are there, in their order. */
export function namesIn(ndjson: Buffer): string[] {
  return [...ndjson.toString().matchAll(/\\"name\\":\\"(\w+)\\"/g)].map((found) => found[1] ?? '');
}
