/** A finding in one sentence, for reports that have a line for each: SARIF, JUnit. */
import type { Dialect, Finding, Place, Spot, Witness } from '../finding.ts';

const longestJson = 400;

/** What is wrong, what the registry of the dialect says, what data says with its witness, and the change that would not break. */
export function findingText({ message, rejectedBy, data, suggestion }: Finding, dialect: Dialect): string {
  const rule = rejectedBy[dialect];
  return [
    message,
    `${dialect} ${rule === undefined ? 'accepts it' : `rejects it (${rule})`}`,
    data.kind === 'breaks' ? witnessText(data.witness) : `data: ${dataWords[data.kind]}${data.reason}`,
    ...(suggestion === null ? [] : [`instead: ${suggestion}`]),
  ].join('; ');
}

const dataWords = { 'not-proved': 'not proved: ', compatible: '' } as const;

function witnessText({ written, bytes, outcome, read, detail }: Witness): string {
  const hex = bytes === null ? '' : ` (written as ${hexText(bytes)})`;
  const end = outcome === 'refused' ? `refused: ${detail}` : `read as ${shortJson(read)}: ${detail}`;
  return `data breaks, with ${shortJson(written)}${hex}, ${end}`;
}

/** `reader order.avsc:6:5 (/fields/1)`, as far as it is known. */
export function spotText(role: string, { schema, pointer, place }: Spot): string {
  const shown = pointer === '' ? 'the whole' : pointer;
  return place === null ? `${role} ${schema} at ${shown}` : `${role} ${placeText(place)} (${shown})`;
}

function placeText({ file, line, column }: Place): string {
  return `${file}:${line.toString()}:${column.toString()}`;
}

/** `0a0b`, or `no bytes`; cut after 400 digits. */
export function hexText(bytes: Uint8Array): string {
  return bytes.length === 0 ? 'no bytes' : shorten(Buffer.from(bytes).toString('hex'));
}

/** JSON in one line, cut after 400 characters. */
export function shortJson(value: unknown): string {
  return shorten(JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length > longestJson ? `${text.slice(0, longestJson)}…` : text;
}
