/** From a difference to a value that shows it: the element that it names, values aimed at it, and the codec as judge. */
import type { JsonValue } from '../../message/record.ts';
import type { WitnessSearch } from '../engine.ts';
import type { Difference, Witness } from '../finding.ts';
import { Random } from '../random.ts';
import { allMessages, type EnumType, type MessageField, type MessageType, type ProtoFile } from './model.ts';
import { enumOf, enumPairs, messagePairs } from './pairs.ts';
import { readBack, readBackJson } from './read-back.ts';
import { fieldSamples, leastMessage, messageSamples, randomMessage, setTogether } from './samples.ts';

/** How many random values are tried after the aimed ones, where the time suffices. */
const maxRandom = 300;

/** Tries values that are aimed at the difference, then random ones by the seed. null: none was seen to break in the time. */
export function findWitness(
  reader: ProtoFile,
  writer: ProtoFile,
  difference: Difference,
  search: WitnessSearch,
): Witness | null {
  const until = performance.now() + search.timeMs;
  if (difference.code === 'MESSAGE_REMOVED') return removedMessage(writer, difference);
  const judge = difference.data === 'json-form' ? readBackJson : readBack;
  for (const { read, written, values } of aimed(reader, writer, difference)) {
    for (const value of candidates(values, written, search.seed)) {
      if (performance.now() > until) return null;
      const witness = judged(judge, read, written, value);
      if (witness !== null) return { ...witness, detail: `${written.localName}: ${witness.detail}` };
    }
  }
  return null;
}

interface Aim {
  readonly read: MessageType;
  readonly written: MessageType;
  /** Aimed at the difference. */
  readonly values: Iterable<JsonValue>;
}

function* candidates(values: Iterable<JsonValue>, type: MessageType, seed: number): Generator<JsonValue> {
  yield* values;
  const random = new Random(seed);
  for (let tried = 0; tried < maxRandom; tried += 1) yield randomMessage(type, random);
}

/** A sample that the codec does not take is none: the search goes on. */
function judged(
  judge: typeof readBack,
  read: MessageType,
  written: MessageType,
  value: JsonValue,
): Witness | null {
  try {
    return judge(read, written, value);
  } catch {
    return null;
  }
}

function removedMessage(writer: ProtoFile, difference: Difference): Witness | null {
  const message = allMessages(writer.messages).find(
    (candidate) => `/${candidate.localName.replaceAll('.', '/')}` === difference.writer.pointer,
  );
  const least = message === undefined ? null : leastMessage(message);
  if (message === undefined || least === null) return null;
  return {
    written: least,
    bytes: message.codec.encode(message.codec.fromObject(least)).finish(),
    outcome: 'refused',
    read: null,
    detail: `the reader's file has no message ${message.localName} to read it with`,
  };
}

function* aimed(reader: ProtoFile, writer: ProtoFile, difference: Difference): Generator<Aim> {
  const changedEnum = enumPairs(reader, writer).find(
    ({ pointer }) => memberOf(difference.writer.pointer, pointer) !== null,
  )?.writer;
  for (const { reader: read, writer: written, pointer } of messagePairs(reader, writer)) {
    const member =
      memberOf(difference.writer.pointer, pointer) ?? memberOf(difference.reader.pointer, pointer);
    if (member === null && difference.writer.pointer !== pointer) {
      if (changedEnum !== undefined) yield* aimedAtEnum(read, written, changedEnum);
      continue;
    }
    const field = [...written.fields.values()].find(({ name }) => name === member);
    const oneof = memberOf(difference.reader.pointer, pointer);
    yield { read, written, values: valuesFor(read, written, field, oneof) };
  }
}

/** An enum breaks in the fields that hold it. */
function* aimedAtEnum(read: MessageType, written: MessageType, changed: EnumType): Generator<Aim> {
  for (const field of written.fields.values()) {
    if (enumOf(field.type) === changed)
      yield { read, written, values: valuesFor(read, written, field, null) };
  }
}

function* valuesFor(
  read: MessageType,
  written: MessageType,
  field: MessageField | undefined,
  oneof: string | null,
): Generator<JsonValue> {
  const least = leastMessage(written);
  if (least === null) return;
  const together = [...read.fields.values()]
    .filter((candidate) => candidate.oneof === oneof && oneof !== null)
    .flatMap((candidate) => written.fields.get(candidate.number) ?? []);
  for (const [index, one] of together.entries())
    for (const other of together.slice(index + 1)) {
      const both = setTogether(least, [one, other]);
      if (both !== null) yield both;
    }
  if (field === undefined) yield* messageSamples(written);
  else for (const value of fieldSamples(field)) yield { ...least, [field.jsonName]: value };
  yield least;
}

/** The last token of a pointer, where the rest of it is `parent`. */
function memberOf(pointer: string, parent: string): string | null {
  if (!pointer.startsWith(`${parent}/`)) return null;
  const member = pointer.slice(parent.length + 1);
  return member.includes('/') ? null : member.replaceAll('~1', '/').replaceAll('~0', '~');
}
