import { jsonOf } from '../../message/json.ts';
import type { Message } from '../../message/message.ts';
import type { JsonValue } from '../../message/record.ts';
import { bytesText, headerText } from '../../message/text.ts';
import { visible, visibleLines } from '../../output/sanitise.ts';
import { wrapped } from '../../output/shorten.ts';
import { timeText } from '../../output/time.ts';
import type { ViewFormat } from './model.ts';

/** Nobody reads more on a screen; `consume` and `dlq archive` have all of it. */
const shownBytes = 64 * 1024;
const shownLines = 2_000;
/** Larger values are shown as they are. */
const parsedBytes = 1024 * 1024;
const shownHeader = 4_000;

/** A message as lines of a screen that has so many columns, safe to show. */
export function messageLines(message: Message, format: ViewFormat, columns: number): readonly string[] {
  const lines = plainLines(message, format, columns);
  const shown = lines.slice(0, shownLines).flatMap((line) => wrapped(line, columns));
  return shown.length <= shownLines ? shown : [...shown.slice(0, shownLines), '…'];
}

function plainLines(message: Message, format: ViewFormat, columns: number): readonly string[] {
  switch (format) {
    case 'value':
      return valueLines(message);
    case 'headers':
      return headerLines(message);
    case 'decoded':
      return decodedLines(message);
    case 'hex':
      return hexLines(message.value, columns);
  }
}

function valueLines({ value, decoded }: Pick<Message, 'value' | 'decoded'>): readonly string[] {
  if (value === null) return ['(tombstone: no value)'];
  if (value.length === 0) return ['(empty)'];
  const parsed = decoded?.value ?? (value.length <= parsedBytes ? jsonOf(value) : undefined);
  const indented = typeof parsed === 'object' && parsed !== null ? JSON.stringify(parsed, null, 2) : null;
  const text = visibleLines(indented ?? bytesText(value.subarray(0, shownBytes))).replaceAll('\t', '  ');
  return [
    ...text.slice(0, shownBytes).split('\n'),
    ...cutLine(indented === null ? value.length : text.length),
  ];
}

function cutLine(length: number): readonly string[] {
  return length <= shownBytes ? [] : [`… and ${(length - shownBytes).toString()} bytes more`];
}

function headerLines(message: Message): readonly string[] {
  const { properties, headers, deadLetter, delivery, timestamp, key, decoded } = message;
  const lines: string[] = [];
  const say = (name: string, value: string | null): void => {
    if (value !== null) lines.push(`${visible(name)}: ${visible(value.slice(0, shownHeader))}`);
  };
  say('time', timestamp === null ? null : timeText(timestamp));
  say('key', key === null ? null : bytesText(key.subarray(0, shownHeader)));
  const { name = null, id = null, framing = null } = decoded?.by ?? {};
  say('schema', name === null ? null : `${name}, ${id ?? ''} by ${framing ?? ''}`);
  say('deliveries', delivery.count?.toString() ?? null);
  if (deadLetter !== null) {
    say('reason', deadLetter.reason);
    say('class', deadLetter.class);
    say('message', deadLetter.message);
    say('attempts', deadLetter.attempts?.toString() ?? null);
    const { channel, partition, offset } = deadLetter.origin;
    say(
      'from',
      channel === null ? null : [channel, partition, offset].filter((part) => part !== null).join(' '),
    );
    say('consumer', deadLetter.consumer);
    say('died', deadLetter.at === null ? null : timeText(deadLetter.at));
  }
  for (const [name, value] of Object.entries(properties)) say(`properties.${name}`, headerText(value));
  for (const { name, value } of headers) say(`headers.${name}`, value === null ? 'null' : headerText(value));
  return lines.length === 0 ? ['(no headers)'] : lines;
}

/** Each place of a value of JSON as an edit names it. */
function decodedLines({ value, decoded }: Message): readonly string[] {
  const data = decoded?.value ?? (value === null || value.length > parsedBytes ? undefined : jsonOf(value));
  if (data === undefined) return ['(the value is no JSON)'];
  const lines: string[] = [];
  collectPlaces(data, 'value', lines);
  return lines;
}

function collectPlaces(value: JsonValue, path: string, lines: string[]): void {
  if (lines.length >= shownLines) return;
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) {
    lines.push(`${visible(path)} = ${visible(JSON.stringify(value).slice(0, shownHeader))}`);
    return;
  }
  for (const [name, member] of entries) collectPlaces(member, `${path}.${name}`, lines);
}

function hexLines(value: Uint8Array | null, columns: number): readonly string[] {
  if (value === null || value.length === 0) return valueLines({ value });
  const width = columns >= 76 ? 16 : 8;
  const bytes = Buffer.from(value.subarray(0, shownBytes));
  const lines: string[] = [];
  for (let start = 0; start < bytes.length && lines.length < shownLines; start += width) {
    const part = bytes.subarray(start, start + width);
    const hex = part
      .toString('hex')
      .replace(/../g, '$& ')
      .padEnd(width * 3);
    const text = part.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    lines.push(`${start.toString(16).padStart(6, '0')}  ${hex} ${text}`);
  }
  return [...lines, ...cutLine(value.length)];
}
