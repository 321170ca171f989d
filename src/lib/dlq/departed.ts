import type { OutgoingMessage } from '../message/message.ts';
import { DigestInput } from './digest-input.ts';
import { readMark } from './mark.ts';
import { digestBytes, OrdinalIndex } from './ordinal-index.ts';

/** Some 45 MB. Those that left first are the ones that are watched most closely. */
const mostNoted = 1_000_000;

/** What this run has sent, to know what comes back: by our mark, and where a consumer dropped that, by key and value. */
export class Departed {
  readonly #planId: string;
  readonly #bodies = new OrdinalIndex();
  #noted = 0;

  constructor(planId: string) {
    this.#planId = planId;
  }

  note(ordinal: number, message: OutgoingMessage): void {
    if (this.#noted >= mostNoted) return;
    this.#noted += 1;
    this.#bodies.add(bodyDigest(message), ordinal);
  }

  /** The ordinal of one that came back; null for every other message. Two equal ones get two ordinals. */
  ordinalOf(message: OutgoingMessage): number | null {
    const mark = readMark(message.headers);
    if (mark !== null) return mark.plan === this.#planId ? mark.ordinal : null;
    return this.#bodies.take(bodyDigest(message));
  }
}

const input = new DigestInput();
const bodyKey = Buffer.alloc(digestBytes);

/** To be used before the next call. */
function bodyDigest({ key, value }: OutgoingMessage): Buffer {
  for (const part of [key, value]) {
    if (part === null) input.ascii('null:');
    else {
      input.count('b', part.length);
      input.bytes(part);
    }
  }
  bodyKey.write(input.digest(), 'hex');
  return bodyKey;
}
