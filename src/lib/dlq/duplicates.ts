import type { DeadLetters } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import { ContentHash } from './content-hash.ts';
import { roleOf } from './failure.ts';
import { failureHeader, originalHeader } from './outgoing.ts';

/** So many different messages are remembered (tens of megabytes); among more, later ones may go unnoticed. */
const mostRemembered = 200_000;
/** Enough of a digest that no two of them are alike. */
const contentDigits = 30;

/**
 * Which dead letters are one message that died, or was sent, several times: the same key, value, properties and headers,
 * whatever was written on them when they died.
 */
export class Duplicates {
  readonly #hash: ContentHash;
  readonly #native: ReadonlySet<string>;
  /** By content, the name of the first one. */
  readonly #firsts = new Map<string, string>();
  #full = false;

  constructor(deadLetters: DeadLetters | undefined) {
    const { volatileHeaders = [], volatileProperties = [] } = deadLetters ?? {};
    this.#hash = new ContentHash({ volatileHeaders, volatileProperties });
    this.#native = new Set([...volatileHeaders, failureHeader, originalHeader]);
  }

  /** Whether there were more than are remembered. */
  get full(): boolean {
    return this.#full;
  }

  /** The name of the first one that equals it; null where it is the first. */
  firstOf(message: Message, name: string): string | null {
    const headers = message.headers.filter(
      (header) => roleOf(header.name) === 'payload' && !this.#native.has(header.name),
    );
    const content = this.#hash.of({ ...message, headers }).slice(0, contentDigits);
    const first = this.#firsts.get(content);
    if (first !== undefined) return first;
    if (this.#firsts.size < mostRemembered) this.#firsts.set(content, name);
    else this.#full = true;
    return null;
  }
}
