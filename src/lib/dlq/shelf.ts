/** Dead letters that were looked at once, to be read again as often as a person wants without another look. */
import type { LookReport } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import { recordLine } from '../message/record.ts';
import { parseRecord } from '../message/record-parser.ts';
import { bytesText } from '../message/text.ts';
import type { DecodeMessages } from '../operations/decode-messages.ts';
import { Spool, type SpoolPlace } from '../store/spool.ts';
import { Groups, type DeadLetterGroup } from './grouping.ts';
import { inspectDeadLetters, type Inspected } from './inspect.ts';
import { readMark } from './mark.ts';
import type { DeadLetterSource } from './source.ts';

export interface ShelvedLetter {
  /** As `--id` takes it. */
  readonly name: string;
  readonly cause: string;
  /** When it died, else when it was written; milliseconds since 1970. */
  readonly at: number | null;
  readonly key: string | null;
  /** What it says about its death. */
  readonly words: string;
  /** The beginning of its value. */
  readonly preview: string;
  readonly bytes: number;
  readonly redrives: number;
  readonly duplicate: boolean;
  readonly place: SpoolPlace;
}

export interface ShelfRequest {
  readonly channel: string;
  readonly keep: (message: Message) => boolean;
  /** What a schema makes of them, for the filter and for who reads them; null: nobody is asked. */
  readonly decode: DecodeMessages | null;
  /** How many are looked at, at most. */
  readonly limit: number;
  /** At most so many may be looked at; null: a look is free here. */
  readonly takeAtMost: number | null;
}

const previewBytes = 200;
const longestKey = 100;
const batchSize = 100;

/** Where a shelf keeps what does not belong into memory. Close it. */
export async function openSpool(stateFolder: string): Promise<Spool> {
  return Spool.create(stateFolder);
}

export class Shelf {
  /** Those that the filter keeps, front to back. */
  readonly letters: readonly ShelvedLetter[];
  readonly causes: readonly DeadLetterGroup[];
  /** False where there are more than were looked at. */
  readonly complete: boolean;
  readonly report: LookReport;
  readonly #channel: string;
  readonly #decode: DecodeMessages | null;
  readonly #spool: Spool;
  readonly #places: readonly SpoolPlace[];

  private constructor(
    found: Pick<Shelf, 'letters' | 'causes' | 'complete' | 'report'>,
    channel: string,
    decode: DecodeMessages | null,
    spool: Spool,
    places: readonly SpoolPlace[],
  ) {
    this.letters = found.letters;
    this.causes = found.causes;
    this.complete = found.complete;
    this.report = found.report;
    this.#channel = channel;
    this.#decode = decode;
    this.#spool = spool;
    this.#places = places;
  }

  /** Looks once, front to back, and keeps everything in the spool: memory holds only what a list shows. */
  static async fill(
    source: DeadLetterSource,
    { channel, keep, decode, limit, takeAtMost }: ShelfRequest,
    spool: Spool,
    onProgress: (count: number) => void,
    signal: AbortSignal,
  ): Promise<Shelf> {
    const letters: ShelvedLetter[] = [];
    const places: SpoolPlace[] = [];
    const groups = new Groups('cause');
    const { complete, report } = await inspectDeadLetters(
      source,
      {
        ...{ channel, keep: () => true, causes: null, limit, takeAtMost, all: false },
        ...(decode !== null && { decode }),
      },
      async (batch) => {
        for (const inspected of batch) {
          const place = await spool.append(Buffer.from(recordLine(inspected.message)));
          places.push(place);
          if (!keep(inspected.message)) continue;
          groups.add(inspected);
          letters.push(shelved(inspected, place));
        }
        onProgress(batch.length);
      },
      signal,
    );
    const found = { letters, causes: groups.result(), complete, report };
    return new Shelf(found, channel, decode, spool, places);
  }

  /** The whole letter; `deadLetter` holds what it says about its death. */
  async message(at: number): Promise<Message> {
    const letter = this.letters[at];
    if (letter === undefined) throw new RangeError('there is no such letter');
    const message = await this.#read(letter.place);
    const [decoded = message] = (await this.#decode?.([message])) ?? [];
    return decoded;
  }

  /** Everything that was looked at, front to back, as it came. */
  async *messages(): AsyncGenerator<readonly Message[]> {
    for (let start = 0; start < this.#places.length; start += batchSize) {
      const batch: Message[] = [];
      for (const place of this.#places.slice(start, start + batchSize))
        batch.push({ ...(await this.#read(place)), deadLetter: null });
      yield batch;
    }
  }

  async #read(place: SpoolPlace): Promise<Message> {
    return { ...parseRecord(await this.#spool.read(place)), channel: this.#channel };
  }
}

function shelved({ message, name, fingerprint, duplicateOf }: Inspected, place: SpoolPlace): ShelvedLetter {
  const { key, value, deadLetter, timestamp, headers } = message;
  const said = [deadLetter?.class, deadLetter?.message ?? deadLetter?.reason].filter(
    (part) => part !== null && part !== undefined,
  );
  return {
    name,
    cause: fingerprint.id,
    at: deadLetter?.at ?? timestamp,
    key: key === null ? null : bytesText(key.subarray(0, longestKey)),
    words: said.join(': ').slice(0, 2 * previewBytes),
    preview: value === null ? '' : bytesText(value.subarray(0, previewBytes)),
    bytes: value?.length ?? 0,
    redrives: readMark(headers)?.count ?? 0,
    duplicate: duplicateOf !== null,
    place,
  };
}
