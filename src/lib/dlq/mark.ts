/**
 * Our one header on what was redriven: `mqctl-redrive: 9f86d081884c7d65-42;1`. The first part is the message's id in
 * its plan, so that one that comes back is recognised and a rerun makes the same one; the second counts its redrives.
 * It is replaced at each redrive, never appended.
 */
import type { Header } from '../message/message.ts';
import { textOf } from './header-values.ts';

export const markHeader = 'mqctl-redrive';

export interface Mark {
  /** 16 hex digits. */
  readonly plan: string;
  readonly ordinal: number;
  /** How often it was redriven, this time included. */
  readonly count: number;
}

const form = /^([0-9a-f]{16})-(\d{1,15});(\d{1,6})$/;

/** null where there is none, or one that is not of our form: anyone may publish such a header. */
export function readMark(headers: readonly Header[]): Mark | null {
  const header = headers.findLast(({ name }) => name === markHeader);
  if (header === undefined) return null;
  const parts = form.exec(textOf(header.value) ?? '');
  return parts === null ? null : { plan: parts[1] ?? '', ordinal: Number(parts[2]), count: Number(parts[3]) };
}

/** `9f86d081884c7d65-42`: by this the message is known again, however often the plan is run. */
export function markId(plan: string, ordinal: number): string {
  return `${plan}-${ordinal.toString()}`;
}

/** The headers with this mark as the only one. */
export function withMark(headers: readonly Header[], mark: Mark): readonly Header[] {
  const value = Buffer.from(`${markId(mark.plan, mark.ordinal)};${mark.count.toString()}`, 'latin1');
  const others = headers.filter(({ name }) => name !== markHeader);
  others.push({ name: markHeader, value });
  return others;
}
