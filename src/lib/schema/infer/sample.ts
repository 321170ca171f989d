/** A sample as it was written: its integers are exact, whatever their size. */
import { isUtf8 } from 'node:buffer';

/** JSON with a bigint for each integer that a double would round. */
export type Sample = string | number | bigint | boolean | null | readonly Sample[] | SampleObject;
export interface SampleObject {
  readonly [name: string]: Sample;
}

/** Deeper ones are no data of anybody, and whoever walks them must not run out of stack. */
const maxSampleDepth = 128;

/** null: it is no JSON, or nests deeper than `maxSampleDepth`. */
export function parseSample(bytes: Uint8Array): { readonly value: Sample } | null {
  if (!isUtf8(bytes)) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    const value: unknown = JSON.parse(text, exactly);
    return isSample(value) && depthWithin(value, maxSampleDepth) ? { value } : null;
  } catch {
    return null;
  }
}

function exactly(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** What `JSON.parse` gives, with the bigints of `exactly`, is nothing else. */
function isSample(value: unknown): value is Sample {
  return value !== undefined;
}

/** Whether it is an object: no list, and not null. */
export function isSampleObject(value: Sample): value is SampleObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a list. */
export function isSampleList(value: Sample): value is readonly Sample[] {
  return Array.isArray(value);
}

/** Without recursion, which a deep one would end. */
function depthWithin(root: Sample, limit: number): boolean {
  const left: { readonly value: Sample; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next;
    if (depth > limit) return false;
    const members = isSampleList(value) ? value : isSampleObject(value) ? Object.values(value) : [];
    for (const member of members) left.push({ value: member, depth: depth + 1 });
  }
  return true;
}
