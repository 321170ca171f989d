const units: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `3 min`, `2 h`, `45 s`: the largest unit that fits, for people. */
export function shortDuration(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  for (const [unit, name] of units) {
    if (size >= unit) {
      const amount = milliseconds / unit;
      return `${Math.abs(amount) < 10 && name !== 's' ? trimZero(amount.toFixed(1)) : Math.round(amount).toString()} ${name}`;
    }
  }
  return `${Math.round(milliseconds).toString()} ms`;
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

/** RFC 3339 in UTC with milliseconds. */
export function timeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${milliseconds.toString()} ms` : date.toISOString();
}

/** Made when first used: it costs ten milliseconds, which a command without a count need not wait for. */
let groupedDigits: Intl.NumberFormat | undefined;

/** `512,003`. */
export function countText(count: number | null): string {
  if (count === null) return 'unknown';
  groupedDigits ??= new Intl.NumberFormat('en-US');
  return groupedDigits.format(count);
}

/** `1 message`, `2 messages`, `unknown messages`: the word that goes with the count, or the words: `is left`, `are left`. */
export function countOf(count: number | null, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `12/min`, `0.4/min`; empty where it is not known. */
export function rateText(perMinute: number | null): string {
  if (perMinute === null) return '';
  if (perMinute > 0 && perMinute < 0.05) return `${(perMinute * 60).toFixed(perMinute < 0.005 ? 2 : 1)}/h`;
  return `${perMinute < 10 ? trimZero(perMinute.toFixed(1)) : countText(Math.round(perMinute))}/min`;
}
