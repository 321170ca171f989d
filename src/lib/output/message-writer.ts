import stringWidth from 'string-width';
import { UsageError } from '../errors.ts';
import type { HeaderValue, Message } from '../message/message.ts';
import { recordLine, withFields, type JsonValue } from '../message/record.ts';
import { bytesText, headerText } from '../message/text.ts';
import { compileTemplate, type MessageFormat } from './message-format.ts';
import type { Output } from './output.ts';
import { shorten } from './shorten.ts';
import { visible, visibleJson, visibleLines } from './sanitise.ts';
import type { Sink } from './streams.ts';
import { countText, timeText } from './time.ts';

/** Writes a batch and resolves when there is room for the next. */
export type MessageWriter = (messages: readonly Message[]) => Promise<void>;

const lineEnd = Buffer.from('\n');
/** A batch is written in parts: its text is larger than its bytes. */
const writeSize = 128 * 1024;

/** What is known of a message beside what it is. */
export interface MessageDetails {
  /** Fields at the end of its record. */
  readonly fields: Readonly<Record<string, JsonValue>>;
  /** Lines for a person, below its headers. */
  readonly remarks: readonly string[];
}

export type DetailsOf = (message: Message) => MessageDetails;

const noDetails: DetailsOf = () => ({ fields: {}, remarks: [] });

/** Throws `UsageError` where raw bytes would reach a terminal. */
export function makeMessageWriter(
  output: Output,
  format: MessageFormat,
  detailsOf: DetailsOf = noDetails,
): MessageWriter {
  const { data } = output;
  if (typeof format === 'object') return templateWriter(output, format.template);
  switch (format) {
    case 'ndjson':
      return async (messages) => {
        let text = '';
        for (const message of messages) {
          const line = recordLine(message);
          text += detailsOf === noDetails ? line : withFields(line, detailsOf(message).fields);
          text += '\n';
          if (text.length < writeSize) continue;
          await data.write(data.isTerminal ? visibleJson(text) : text);
          text = '';
        }
        if (text !== '') await data.write(data.isTerminal ? visibleJson(text) : text);
      };
    case 'value':
      return data.isTerminal
        ? async (messages) =>
            data.write(
              messages.map(({ value }) => `${value === null ? '' : visible(bytesText(value))}\n`).join(''),
            )
        : async (messages) =>
            writeBytes(
              data,
              messages.flatMap(({ value }) => (value === null ? [lineEnd] : [value, lineEnd])),
            );
    case 'raw':
      if (data.isTerminal)
        throw new UsageError('-o raw writes bytes as they are, which a terminal would obey', {
          hint: 'send it to a file or a pipe, or use -o value',
        });
      return async (messages) =>
        writeBytes(
          data,
          messages.flatMap(({ value }) => (value === null ? [] : [value])),
        );
    case 'pretty':
      return async (messages) =>
        data.write(messages.map((message) => prettyMessage(output, message, detailsOf(message))).join(''));
    case 'table':
      return tableWriter(output);
  }
}

/** Joins what is small, in parts that are not large. */
async function writeBytes(data: Sink, pieces: readonly Uint8Array[]): Promise<void> {
  let part: Uint8Array[] = [];
  let length = 0;
  for (const piece of pieces) {
    part.push(piece);
    length += piece.length;
    if (length < writeSize) continue;
    await data.write(Buffer.concat(part));
    [part, length] = [[], 0];
  }
  if (length > 0) await data.write(Buffer.concat(part));
}

function templateWriter(output: Output, template: string): MessageWriter {
  const render = compileTemplate(template);
  const { data } = output;
  return async (messages) => {
    const bytes = Buffer.concat(messages.map(render));
    await data.write(data.isTerminal ? visibleLines(bytesText(bytes)) : bytes);
  };
}

function prettyMessage(output: Output, message: Message, { remarks }: MessageDetails): string {
  const { colour } = output;
  const place = [
    colour.bold(visible(message.channel)),
    message.partition === null ? '' : `[${visible(message.partition)}]`,
    visible(message.offset ?? message.id ?? ''),
  ];
  const head = [
    place.filter((part) => part !== '').join(' '),
    message.timestamp === null ? '' : colour.dim(timeText(message.timestamp)),
    message.key === null ? '' : `key ${colour.cyan(visible(bytesText(message.key)))}`,
    message.delivery.redelivered === true
      ? colour.yellow(
          `redelivered${message.delivery.count === null ? '' : `, delivery ${message.delivery.count.toString()}`}`,
        )
      : '',
  ];
  const lines = [head.filter((part) => part !== '').join('  ')];
  for (const [name, value] of Object.entries(message.properties))
    lines.push(`  ${colour.dim(`${visible(name)}:`)} ${visible(headerText(value))}`);
  for (const { name, value } of message.headers)
    lines.push(
      `  ${colour.green(`${visible(name)}:`)} ${visible(value === null ? 'null' : headerForPerson(value))}`,
    );
  if (message.deadLetter !== null) {
    const { reason, class: errorClass, message: text } = message.deadLetter;
    lines.push(
      `  ${colour.red('died:')} ${visible([reason, errorClass, text].filter((part) => part !== null && part !== '').join(', '))}`,
    );
  }
  for (const remark of remarks) lines.push(`  ${colour.yellow(visible(remark))}`);
  const { decoded } = message;
  if (decoded?.by)
    lines.push(
      `  ${colour.dim(visible(`decoded by ${decoded.by.name} (${decoded.by.format}, ${decoded.by.framing})`))}`,
    );
  const shown = decoded?.value === undefined ? message.value : Buffer.from(JSON.stringify(decoded.value));
  lines.push(...valueLines(shown, output.data.columns).map((line) => `  ${line}`));
  return `${lines.join('\n')}\n\n`;
}

/** Nobody reads more of a stack trace, and one may have megabytes: a record has all of it. */
const longestHeader = 4_000;

function headerForPerson(value: HeaderValue): string {
  const text = headerText(value);
  if (text.length <= longestHeader) return text;
  return `${text.slice(0, longestHeader)}… (${countText(text.length)} characters)`;
}

function valueLines(value: Uint8Array | null, columns: number): string[] {
  if (value === null) return ['(tombstone: no value)'];
  const text = bytesText(value);
  return visibleLines(readableJson(text, columns) ?? text).split('\n');
}

/** JSON that does not fit one line is indented; anything else is left as it is. */
function readableJson(text: string, columns: number): string | null {
  if (text.length + 2 <= columns || !/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null; // not JSON after all
  }
}

interface Cell {
  readonly header: string;
  readonly width: number;
  readonly text: (message: Message) => string;
}

/** Rows of fixed widths, since a stream has no widest row: cut on a terminal, complete when piped. */
function tableWriter(output: Output): MessageWriter {
  const cells: Cell[] = [
    { header: 'CHANNEL', width: 16, text: ({ channel }) => channel },
    { header: 'PARTITION', width: 9, text: ({ partition }) => partition ?? '' },
    { header: 'OFFSET', width: 10, text: ({ offset, id }) => offset ?? id ?? '' },
    { header: 'TIME', width: 24, text: ({ timestamp }) => (timestamp === null ? '' : timeText(timestamp)) },
    { header: 'KEY', width: 14, text: ({ key }) => (key === null ? '' : bytesText(key)) },
    { header: 'VALUE', width: 0, text: ({ value }) => (value === null ? '' : bytesText(value)) },
  ];
  const line = (texts: readonly string[]): string => {
    const padded = texts.map(
      (text, at) => text + ' '.repeat(Math.max(0, (cells[at]?.width ?? 0) - stringWidth(text))),
    );
    return `${padded.join('  ').trimEnd()}\n`;
  };
  const cut = (text: string, width: number): string =>
    output.data.isTerminal && width > 0 ? shorten(text, width) : text;
  const valueWidth = output.data.columns - cells.reduce((sum, { width }) => sum + width + 2, 0);
  let headed = false;
  return async (messages) => {
    const head = headed ? '' : line(cells.map(({ header }) => header));
    headed = true;
    const rows = messages.map((message) =>
      line(
        cells.map(({ text, width }) =>
          cut(visible(text(message)), width === 0 ? Math.max(8, valueWidth) : width),
        ),
      ),
    );
    await output.data.write(head + rows.join(''));
  };
}
