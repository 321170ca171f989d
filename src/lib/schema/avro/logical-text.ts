/** What a number means by its logical type, for people. */
import type { JsonValue } from '../../message/record.ts';
import type { Step } from './compare.ts';
import { branchFor, fieldFor } from './compare.ts';
import type { AvroType } from './model.ts';

const nanosIn: Readonly<Record<string, bigint>> = {
  date: 86_400_000_000_000n,
  millis: 1_000_000n,
  micros: 1_000n,
  nanos: 1n,
};

/** The value at the end of the trail as each side understands it; null where there is no such. */
export function logicalText(
  reader: AvroType,
  writer: AvroType,
  value: JsonValue,
  trail: readonly Step[],
): { readonly read: string; readonly written: string } | null {
  let [read, written, at]: [AvroType | null, AvroType | null, JsonValue] = [reader, writer, value];
  for (const step of trail) {
    if (read === null || written === null) return null;
    [read, written, at] = follow(read, written, at, step);
  }
  if (written !== null && read?.kind === 'union') read = branchFor(read, written);
  if (read === null || written === null) return null;
  const texts = { read: meaning(read, at), written: meaning(written, at) };
  return texts.read === null || texts.written === null ? null : { read: texts.read, written: texts.written };
}

function follow(
  read: AvroType,
  written: AvroType,
  value: JsonValue,
  step: Step,
): [AvroType | null, AvroType | null, JsonValue] {
  if (step.into === 'branch' && written.kind === 'union') {
    const branch = written.branches[step.index] ?? null;
    return [read, branch, unwrapped(value)];
  }
  const reader = read.kind === 'union' ? branchFor(read, written) : read;
  if (step.into === 'items' && written.kind === 'array' && reader?.kind === 'array')
    return [reader.items, written.items, firstOf(value)];
  if (step.into === 'values' && written.kind === 'map' && reader?.kind === 'map')
    return [reader.values, written.values, unwrapped(value)];
  if (step.into !== 'field' || written.kind !== 'record' || reader?.kind !== 'record')
    return [null, null, null];
  const field = written.fields.find(({ name }) => name === step.name);
  const target = reader.fields.find((candidate) => fieldFor(candidate, written) === field);
  return [target?.type ?? null, field?.type ?? null, inside(value, step.name)];
}

function firstOf(value: JsonValue): JsonValue {
  const items: readonly JsonValue[] = Array.isArray(value) ? value : [];
  return items[0] ?? null;
}

/** The one value of an object with one key; the value itself where it is no object. */
function unwrapped(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const values = Object.values(value);
  return values.length === 1 ? (values[0] ?? null) : value;
}

function inside(value: JsonValue, name: string): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.entries(value).find(([key]) => key === name)?.[1] ?? null;
}

function meaning(type: AvroType, value: JsonValue): string | null {
  if (!('logical' in type) || type.logical === null) return null;
  const { name } = type.logical;
  if (typeof value !== 'number') return `${JSON.stringify(value)} as ${name}`;
  const unit = nanosIn[name === 'date' ? 'date' : name.slice(name.lastIndexOf('-') + 1)];
  if (unit === undefined) return `${value.toString()} as ${name}`;
  const millis = Number((BigInt(value) * unit) / 1_000_000n);
  if (name.startsWith('time-')) return `${(millis / 1000).toString()} s after midnight (${name})`;
  const date = new Date(millis);
  const shown = Number.isNaN(date.getTime())
    ? `${value.toString()} (beyond every calendar)`
    : date.toISOString();
  return `${name.startsWith('local-') ? shown.replace('Z', ' local time') : shown} (${name})`;
}
