const dateTime =
  /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Milliseconds since 1970 of an RFC 3339 date-time, or null when it is none. Finer fractions are cut off; leap seconds
 * (`:60`) are refused, because no broker's clock knows them.
 */
export function parseRfc3339(text: string): number | null {
  const parts = dateTime.exec(text);
  if (parts === null || !isDate(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return null;
  const time = Date.parse(text.toUpperCase());
  return Number.isNaN(time) ? null : time;
}

/** Whether this day exists: `Date.parse` takes 30 February for 2 March. */
export function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
