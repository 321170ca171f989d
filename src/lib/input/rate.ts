import { UsageError } from '../errors.ts';

const secondsIn: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Messages a second of `50/s`, `600/m`, `1000/h` or a plain `50`; null for `max` (no limit). Throws `UsageError`. */
export function parseRate(text: string): number | null {
  if (text === 'max') return null;
  const parts = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(text);
  const rate = Number(parts?.[1]) / (secondsIn[parts?.[2] ?? 's'] ?? NaN);
  if (!Number.isFinite(rate) || rate <= 0)
    throw new UsageError(`${JSON.stringify(text)} is no rate`, {
      hint: 'write it as 50/s, 600/m, a plain number (each second), or max',
    });
  return rate;
}
