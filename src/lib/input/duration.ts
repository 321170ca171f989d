import { UsageError } from '../errors.ts';

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const whole = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** Whole milliseconds of `500ms`, `30s`, `5m`, `2h`, `7d`, also `1h30m`, `1.5h` and a plain `0`. Throws `UsageError`. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (!whole.test(text))
    throw new UsageError(`${JSON.stringify(text)} is no duration`, {
      hint: /^\d+$/.test(text)
        ? `say of what: ${text}s, ${text}ms, ${text}m, ${text}h or ${text}d`
        : 'write it as 500ms, 30s, 5m, 2h or 7d',
    });
  let total = 0;
  for (const [, amount, unit] of text.matchAll(part))
    total += Number(amount) * (milliseconds[unit ?? ''] ?? NaN);
  const rounded = Math.round(total);
  if (!Number.isSafeInteger(rounded)) throw new UsageError(`the duration ${text} is too long`);
  return rounded;
}
