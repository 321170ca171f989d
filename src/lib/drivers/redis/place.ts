/** What a channel's name stands for at this server. */
import { parseExhausted } from './channel-name.ts';
import type { Exhausted } from './channel-name.ts';
import type { Link } from './link.ts';
import { isStream, readGroup } from './streams.ts';

/** null: the name is a stream's, if it is anything. Throws `NotFoundError` for a group that its stream has not got. */
export async function exhaustedOf(
  link: Link,
  channel: string,
  signal: AbortSignal | null,
): Promise<Exhausted | null> {
  const parsed = parseExhausted(channel);
  if (parsed === null || (await isStream(link, channel, signal))) return null;
  if (!(await isStream(link, parsed.stream, signal))) return null;
  await readGroup(link, parsed.stream, parsed.group, signal);
  return parsed;
}
