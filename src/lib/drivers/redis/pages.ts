/** Reading entries page by page, each of about the same size in bytes. */
import { idOf, idText, nextId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { entriesOf } from './reply.ts';
import type { Entry } from './reply.ts';

const bytesPerPage = 1024 * 1024;
const mostPerPage = 1_000;

/** Learns from each page how many entries the next one may have. */
export class PageSize {
  #entries = 50;

  get entries(): number {
    return this.#entries;
  }

  learn(page: readonly Entry[]): void {
    if (page.length === 0) return;
    const bytes = page.reduce(
      (sum, { fields }) => sum + fields.reduce((inner, one) => inner + one.length, 64),
      0,
    );
    this.#entries = Math.max(1, Math.min(mostPerPage, Math.floor((bytesPerPage * page.length) / bytes)));
  }
}

/** From `from` to before `until`. */
export async function readPage(
  link: Link,
  stream: string,
  range: { readonly from: EntryId; readonly until: EntryId | null; readonly count: number },
  signal: AbortSignal | null,
): Promise<readonly Entry[]> {
  const last = range.until === null ? '+' : `(${idText(range.until)}`;
  const words = ['XRANGE', stream, idText(range.from), last, 'COUNT', String(range.count)];
  return entriesOf(await link.ask(stream, words, signal));
}

/** The id of the entry that lies so many after the first one from `from`; null: there are not so many. */
export async function idAfter(
  link: Link,
  stream: string,
  from: EntryId,
  count: bigint,
  signal: AbortSignal,
): Promise<EntryId | null> {
  const size = new PageSize();
  let [at, left] = [from, count];
  for (;;) {
    const wanted = left + 1n < BigInt(size.entries) ? Number(left) + 1 : size.entries;
    const page = await readPage(link, stream, { from: at, until: null, count: wanted }, signal);
    const found = page[Number(left)];
    if (left < BigInt(page.length) && found !== undefined) return idOf(found.id);
    const last = page.at(-1);
    if (last === undefined) return null;
    left -= BigInt(page.length);
    at = nextId(idOf(last.id));
    size.learn(page);
  }
}

/** The id of the entry that lies so many before `until`; null: there are not so many. */
export async function idBefore(
  link: Link,
  stream: string,
  until: EntryId,
  count: bigint,
  signal: AbortSignal,
): Promise<EntryId | null> {
  const size = new PageSize();
  let [at, left] = [until, count];
  for (;;) {
    const wanted = left < BigInt(size.entries) ? Number(left) : size.entries;
    const words = ['XREVRANGE', stream, `(${idText(at)}`, '-', 'COUNT', String(wanted)];
    const page = entriesOf(await link.ask(stream, words, signal));
    const found = page[Number(left) - 1];
    if (left <= BigInt(page.length) && found !== undefined) return idOf(found.id);
    const last = page.at(-1);
    if (last === undefined) return null;
    left -= BigInt(page.length);
    at = idOf(last.id);
    size.learn(page);
  }
}
