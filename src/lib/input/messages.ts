/** Files, stdin and texts as messages to publish, one chunk of input at a time: what waits is bounded by the reader. */
import { UsageError } from '../errors.ts';
import { isManifestLine } from '../message/archive-line.ts';
import type { Header, HeaderValue, OutgoingMessage, Properties } from '../message/message.ts';
import type { NumberedMessage } from '../message/numbered-message.ts';
import { looksLikeRecord, parseRecord } from '../message/record-parser.ts';
import { decompressed } from './decompress.ts';
import { wrap } from './envelope.ts';
import { readLines, type Line } from './lines.ts';
import { readWhole, type Source } from './source.ts';
import { compileTemplate, realWorld, type TemplateWorld } from './template.ts';

/** `lines`: a value a line. `raw`: each source is one value. `ndjson`: a record a line. The first is the default. */
export const inputFormats = ['lines', 'raw', 'ndjson'] as const;

export type InputFormat = (typeof inputFormats)[number];

export interface MessageInput {
  readonly sources: readonly Source[];
  /** null where the user did not say it: `lines`, but records of ours are refused, since either could be meant. */
  readonly format: InputFormat | null;
  /** For every message whose record or line has none. */
  readonly key: string | null;
  /** The key is what stands before the first one; only with `lines`. `\t`, `\0` and `\\` are understood. */
  readonly keySeparator: string | null;
  /** After those of the record. */
  readonly headers: readonly Header[];
  /** Where the record has none of the name. */
  readonly properties: Properties;
  /** Where the record's own is not kept. */
  readonly partition: string | null;
  /** What of a record is published again beside its content. */
  readonly keep: ReadonlySet<'partition' | 'timestamp'>;
  /** A value that is exactly this becomes null, a tombstone. */
  readonly nullValue: string | null;
  /** Whether `{{…}}` in value, key and headers are filled. */
  readonly template: boolean;
  /** How many messages each one read becomes. */
  readonly count: number;
  readonly envelope: boolean;
}

/** Bounds what a large `--count` makes at once. */
const chunkMessages = 500;

/** Throws `UsageError` that names the line. */
export async function* readMessages(
  input: MessageInput,
  world: TemplateWorld = realWorld,
): AsyncGenerator<readonly NumberedMessage[], void, undefined> {
  if (input.keySeparator !== null && input.format !== null && input.format !== 'lines')
    throw new UsageError('--key-separator is for --format lines', { hint: 'a record has its key in "key"' });
  const finish = finisher(input, world);
  for await (const messages of parsed(input)) {
    if (input.count === 1) yield messages.map(finish);
    else
      for (const message of messages)
        for (let made = 0; made < input.count; made += chunkMessages)
          yield Array.from({ length: Math.min(chunkMessages, input.count - made) }, () => finish(message));
  }
}

async function* parsed(input: MessageInput): AsyncGenerator<readonly NumberedMessage[], void, undefined> {
  const parse = lineParser(input);
  let before = 0;
  for (const source of input.sources) {
    if (input.format === 'raw') {
      before += 1;
      yield [{ line: before, message: fresh(input, await readWhole(source), null) }];
      continue;
    }
    let last = before;
    const { chunks } = input.format === 'ndjson' ? decompressed(source) : source;
    for await (const lines of numbered(readLines(chunks), source.name)) {
      last = before + (lines.at(-1)?.number ?? 0);
      const messages: NumberedMessage[] = [];
      for (const line of lines) {
        const message = parse(line, source.name);
        if (message !== null) messages.push({ line: before + line.number, message });
      }
      if (messages.length > 0) yield messages;
    }
    before = last;
  }
}

/** An error of the splitter names its line; here it learns of which source. */
async function* numbered(chunks: AsyncIterable<readonly Line[]>, name: string) {
  try {
    yield* chunks;
  } catch (error) {
    throw error instanceof UsageError && error.message.startsWith('line ') ? at(name, null, error) : error;
  }
}

function at(source: string, line: number | null, error: UsageError): UsageError {
  const place = line === null ? source : `${source}, line ${line}`;
  return new UsageError(`${place}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}

type ParseLine = (line: Line, source: string) => OutgoingMessage | null;

function lineParser(input: MessageInput): ParseLine {
  if (input.format === 'ndjson') return recordParser(input);
  const separator = input.keySeparator === null ? null : separatorBytes(input.keySeparator);
  return ({ number, bytes }, source) => {
    if (number === 1 && input.format === null && looksLikeRecord(bytes))
      throw new UsageError(`the first line of ${source} is a message record of mqctl`, {
        hint: 'say --format ndjson for the messages that the records hold, or --format lines for the lines themselves',
      });
    if (separator === null) return fresh(input, bytes, null);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = view.indexOf(separator);
    if (found === -1)
      throw new UsageError(
        `${source}, line ${number}: no ${JSON.stringify(input.keySeparator)} in it, so no key`,
        {
          hint: 'without --key-separator the whole line is the value',
        },
      );
    return fresh(input, bytes.subarray(found + separator.length), bytes.subarray(0, found));
  };
}

function separatorBytes(text: string): Buffer {
  const characters: Readonly<Record<string, string>> = { t: '\t', 0: '\0', '\\': '\\' };
  const separator = Buffer.from(text.replace(/\\([t0\\])/g, (_, code: string) => characters[code] ?? code));
  if (separator.length === 0) throw new UsageError('--key-separator is empty');
  return separator;
}

function recordParser(input: MessageInput): ParseLine {
  return ({ number, bytes }, source) => {
    const line = number === 1 ? withoutMark(bytes) : bytes;
    if (isBlank(line) || isManifestLine(line)) return null;
    try {
      const record = parseRecord(line);
      return {
        key: record.key ?? bytesOf(input.key),
        value: input.nullValue !== null && equals(record.value, input.nullValue) ? null : record.value,
        headers: [...record.headers, ...input.headers],
        properties: { ...input.properties, ...record.properties },
        partition: input.keep.has('partition') ? (record.partition ?? input.partition) : input.partition,
        timestamp: input.keep.has('timestamp') ? record.timestamp : null,
      };
    } catch (error) {
      throw error instanceof UsageError ? at(source, number, error) : error;
    }
  };
}

/** The byte order mark that editors put before a file is no part of its JSON. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function fresh(input: MessageInput, value: Uint8Array, key: Uint8Array | null): OutgoingMessage {
  return {
    key: key ?? bytesOf(input.key),
    value: input.nullValue !== null && equals(value, input.nullValue) ? null : value,
    headers: input.headers,
    properties: input.properties,
    partition: input.partition,
    timestamp: null,
  };
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}

function equals(bytes: Uint8Array | null, text: string): boolean {
  return bytes !== null && bytes.length <= text.length * 3 && Buffer.from(text).equals(bytes);
}

/** Template and envelope; the number that `{{n}}` says goes on over the whole input. */
function finisher(input: MessageInput, world: TemplateWorld): (read: NumberedMessage) => NumberedMessage {
  let n = 0;
  let template: { readonly of: OutgoingMessage; readonly fill: (n: number) => OutgoingMessage } | null = null;
  return ({ line, message }) => {
    n += 1;
    let finished = message;
    if (input.template) {
      // One that is made many times is taken apart once.
      if (template?.of !== message) template = { of: message, fill: messageTemplate(message, world) };
      finished = template.fill(n);
    }
    return { line, message: input.envelope ? wrap(finished, world) : finished };
  };
}

function messageTemplate(message: OutgoingMessage, world: TemplateWorld): (n: number) => OutgoingMessage {
  const compiled = (bytes: Uint8Array | null) =>
    bytes === null ? () => null : compileTemplate(bytes, world);
  const key = compiled(message.key);
  const value = compiled(message.value);
  const headers = message.headers.map((header) => {
    const fill: (n: number) => HeaderValue =
      header.value instanceof Uint8Array ? compileTemplate(header.value, world) : () => header.value;
    return (n: number): Header => ({ ...header, value: fill(n) });
  });
  return (n) => ({ ...message, key: key(n), value: value(n), headers: headers.map((header) => header(n)) });
}
