/**
 * What a channel's name means. `orders/billing/dead` are the entries of the stream `orders` that its group `billing` was
 * given too often and has not acknowledged, unless there is a stream of that very name.
 */

export interface Exhausted {
  readonly stream: string;
  readonly group: string;
}

const suffix = '/dead';

/** Its channel: `orders/billing/dead`. */
export function exhaustedName({ stream, group }: Exhausted): string {
  return `${stream}/${group}${suffix}`;
}

/** null: it can only be a stream. A stream's name may hold slashes, a group's then does not. */
export function parseExhausted(channel: string): Exhausted | null {
  if (!channel.endsWith(suffix)) return null;
  const name = channel.slice(0, -suffix.length);
  const slash = name.lastIndexOf('/');
  if (slash <= 0 || slash === name.length - 1) return null;
  return { stream: name.slice(0, slash), group: name.slice(slash + 1) };
}
