import type { DeadLetter, Message } from '../../message/message.ts';
import type { DeadLetterPair, DeadLetters } from '../driver.ts';
import { exhaustedName } from './channel-name.ts';
import { firstId } from './entry-id.ts';
import type { Link } from './link.ts';
import { exhaustedPages } from './pending.ts';
import { allGroups } from './streams.ts';

/**
 * Redis has no dead letters of its own. What a group was given too often and did not acknowledge is shown as some; streams
 * that are named as of dead letters are found by their names, as everywhere.
 */
export class RedisDeadLetters implements DeadLetters {
  readonly volatileHeaders: readonly string[] = [];
  readonly volatileProperties: readonly string[] = [];
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async pairs(signal: AbortSignal): Promise<readonly DeadLetterPair[]> {
    const pairs: DeadLetterPair[] = [];
    for (const { stream, group, pending } of await allGroups(this.#link, null, signal)) {
      if (pending === 0 || !(await this.#hasSome({ stream, group }, signal))) continue;
      pairs.push({
        source: stream,
        deadLetter: exhaustedName({ stream, group }),
        how: `given to "${group}" ${String(this.#link.address.maxDeliveries)} times or more, and not acknowledged`,
      });
    }
    return pairs;
  }

  /** Said where it was read: an entry itself does not tell. */
  read(message: Message): DeadLetter | null {
    return message.deadLetter;
  }

  async #hasSome(exhausted: { stream: string; group: string }, signal: AbortSignal): Promise<boolean> {
    for await (const page of exhaustedPages(this.#link, exhausted, { from: firstId, until: null }, signal))
      return page.length > 0;
    return false;
  }
}
