/**
 * Reads the wire without believing it: every tag against the message type, every length against what is left. The codec
 * decodes a wrong wire type silently to nothing, so this is asked first. The grammar is that of protobuf.dev/programming-guides/encoding.
 */
import type { FieldKind, MessageField, MessageType, ScalarName } from './model.ts';

/** `wrong-wire-type`: known number, other type, a reader skips it. The rest after `unknown-field` makes the bytes unreadable. */
export type WireProblemCode =
  | 'unknown-field'
  | 'wrong-wire-type'
  | 'invalid-utf8'
  | 'missing-required'
  | 'truncated'
  | 'bad-tag'
  | 'varint-too-long'
  | 'group-mismatch'
  | 'nested-too-deep';

export interface WireProblem {
  readonly code: WireProblemCode;
  /** RFC 6901 by field names, as far as the type knows them: `/lines/total`, `/17` for an unknown number. */
  readonly pointer: string;
  /** From the start of the payload, in bytes. */
  readonly offset: number;
  /** One sentence without a full stop. */
  readonly message: string;
}

/** As the reference implementations have it. */
const maxDepth = 100;
const wireNames = ['a varint', '8 bytes', 'a length and bytes', 'a group', 'an end of a group', '4 bytes'];

/** At most `limit` problems, in the order of the bytes; the first fatal one is the last. */
export function scanWire(payload: Uint8Array, type: MessageType, limit: number): readonly WireProblem[] {
  return new WireScanner(payload, limit).scan(type);
}

/** Thrown where nothing after can be read; caught by `scan`. */
class Unreadable extends Error {}

class WireScanner {
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  readonly #problems: WireProblem[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, limit: number) {
    this.#bytes = bytes;
    this.#limit = limit;
  }

  scan(type: MessageType): readonly WireProblem[] {
    try {
      this.#message(type, this.#bytes.length, '', 0, null);
    } catch (thrown) {
      if (!(thrown instanceof Unreadable)) throw thrown;
    }
    return this.#problems;
  }

  /** `group`: the number whose end tag ends this; null: `end` does. */
  #message(
    type: MessageType | null,
    end: number,
    pointer: string,
    depth: number,
    group: number | null,
  ): void {
    if (depth > maxDepth)
      this.#fail('nested-too-deep', pointer, `messages nest deeper than ${maxDepth.toString()}`);
    const required = new Set<number>();
    for (const field of type?.fields.values() ?? [])
      if (field.label === 'required') required.add(field.number);
    while (this.#at < end) {
      const start = this.#at;
      const tag = this.#varint(end, pointer);
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      if (number === 0 || tag > 0xffff_ffff || wire > 5)
        this.#fail('bad-tag', pointer, `${tag.toString()} is no tag of a field`, start);
      if (wire === 4) {
        if (group !== number)
          this.#fail('group-mismatch', pointer, `the end of group ${number.toString()} has no start`, start);
        this.#missing(type, required, pointer, start);
        return;
      }
      const field = type?.fields.get(number);
      if (field === undefined) {
        if (type !== null)
          this.#add(
            'unknown-field',
            `${pointer}/${number.toString()}`,
            start,
            `${type.localName} has no field ${number.toString()}`,
          );
        this.#skip(wire, number, end, `${pointer}/${number.toString()}`, depth);
        continue;
      }
      required.delete(number);
      this.#field(field, wire, end, `${pointer}/${escape(field.name)}`, depth, start);
    }
    if (group !== null) this.#fail('truncated', pointer, `group ${group.toString()} has no end`);
    this.#missing(type, required, pointer, this.#at);
  }

  #missing(type: MessageType | null, required: ReadonlySet<number>, pointer: string, offset: number): void {
    for (const number of required) {
      const name = type?.fields.get(number)?.name ?? number.toString();
      this.#add(
        'missing-required',
        `${pointer}/${escape(name)}`,
        offset,
        `the required field ${name} is missing`,
      );
    }
  }

  #field(
    field: MessageField,
    wire: number,
    end: number,
    pointer: string,
    depth: number,
    start: number,
  ): void {
    const expected = wireType(field.type);
    const packed = wire === 2 && field.label === 'repeated' && isPackable(field.type);
    if (wire !== expected && !packed) {
      this.#add(
        'wrong-wire-type',
        pointer,
        start,
        `field ${field.number.toString()} is ${wireNames[wire] ?? 'unknown'} on the wire, where ${field.name} has ${
          wireNames[expected] ?? 'unknown'
        }: a reader skips it`,
      );
      this.#skip(wire, field.number, end, pointer, depth);
      return;
    }
    if (packed) {
      const inner = this.#length(end, pointer);
      while (this.#at < inner) this.#skip(expected, field.number, inner, pointer, depth);
      return;
    }
    if (field.type.kind === 'message' && field.type.delimited) {
      this.#message(field.type.of, end, pointer, depth + 1, field.number);
      return;
    }
    if (expected !== 2) {
      this.#skip(wire, field.number, end, pointer, depth);
      return;
    }
    const inner = this.#length(end, pointer);
    this.#contents(field.type, inner, pointer, depth);
    this.#at = inner;
  }

  #contents(type: FieldKind, end: number, pointer: string, depth: number): void {
    if (type.kind === 'message') this.#message(type.of, end, pointer, depth + 1, null);
    else if (type.kind === 'map') this.#entry(type, end, pointer, depth);
    else if (
      type.kind === 'scalar' &&
      type.scalar === 'string' &&
      !isUtf8(this.#bytes.subarray(this.#at, end))
    )
      this.#add('invalid-utf8', pointer, this.#at, 'the text is no valid UTF-8');
  }

  /** An entry of a map is a message with a key (1) and a value (2). */
  #entry(type: FieldKind & { kind: 'map' }, end: number, pointer: string, depth: number): void {
    if (depth > maxDepth)
      this.#fail('nested-too-deep', pointer, `messages nest deeper than ${maxDepth.toString()}`);
    while (this.#at < end) {
      const start = this.#at;
      const tag = this.#varint(end, pointer);
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      const part: FieldKind | null =
        number === 1 ? { kind: 'scalar', scalar: type.key } : number === 2 ? type.value : null;
      if (number === 0 || wire > 5 || wire === 4)
        this.#fail('bad-tag', pointer, `${tag.toString()} is no tag of a map's entry`, start);
      if (part !== null && wire === wireType(part) && wire === 2) {
        const inner = this.#length(end, pointer);
        this.#contents(part, inner, pointer, depth + 1);
        this.#at = inner;
        continue;
      }
      if (part !== null && wire !== wireType(part))
        this.#add(
          'wrong-wire-type',
          pointer,
          start,
          `the ${number === 1 ? 'key' : 'value'} of the map is ${wireNames[wire] ?? 'unknown'} on the wire: a reader skips it`,
        );
      this.#skip(wire, number, end, pointer, depth);
    }
  }

  #skip(wire: number, number: number, end: number, pointer: string, depth: number): void {
    if (wire === 0) this.#varint(end, pointer);
    else if (wire === 1) this.#advance(8, end, pointer);
    else if (wire === 5) this.#advance(4, end, pointer);
    else if (wire === 2) this.#at = this.#length(end, pointer);
    else this.#message(null, end, pointer, depth + 1, number);
  }

  #length(end: number, pointer: string): number {
    const start = this.#at;
    const length = this.#varint(end, pointer);
    if (length > end - this.#at)
      this.#fail(
        'truncated',
        pointer,
        `${length.toString()} bytes are announced, ${(end - this.#at).toString()} are left`,
        start,
      );
    return this.#at + length;
  }

  #advance(count: number, end: number, pointer: string): void {
    if (this.#at + count > end)
      this.#fail(
        'truncated',
        pointer,
        `${count.toString()} bytes are needed, ${(end - this.#at).toString()} are left`,
      );
    this.#at += count;
  }

  /** Exact below 2^53, which is all that tags and lengths of real payloads need; what is larger is refused by its size. */
  #varint(end: number, pointer: string): number {
    const start = this.#at;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= end) this.#fail('truncated', pointer, 'the bytes end inside of a number', start);
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte >= 0x80) continue;
      if (count === 9 && byte > 1)
        this.#fail('varint-too-long', pointer, 'a number has more than 64 bits', start);
      return value;
    }
    return this.#fail('varint-too-long', pointer, 'a number is longer than 10 bytes', start);
  }

  #add(code: WireProblemCode, pointer: string, offset: number, message: string): void {
    this.#problems.push({ code, pointer, offset, message });
    if (this.#problems.length >= this.#limit) throw new Unreadable();
  }

  #fail(code: WireProblemCode, pointer: string, message: string, offset = this.#at): never {
    this.#problems.push({ code, pointer, offset, message });
    throw new Unreadable();
  }
}

/** The wire type that a field's encoder writes, one by one. */
export function wireType(type: FieldKind): number {
  switch (type.kind) {
    case 'scalar':
      return scalarWireTypes[type.scalar];
    case 'enum':
      return 0;
    case 'message':
      return type.delimited ? 3 : 2;
    case 'map':
      return 2;
  }
}

const scalarWireTypes: Readonly<Record<ScalarName, number>> = {
  double: 1,
  float: 5,
  int32: 0,
  int64: 0,
  uint32: 0,
  uint64: 0,
  sint32: 0,
  sint64: 0,
  fixed32: 5,
  fixed64: 1,
  sfixed32: 5,
  sfixed64: 1,
  bool: 0,
  string: 2,
  bytes: 2,
};

/** Whether several may stand behind one tag. */
export function isPackable(type: FieldKind): boolean {
  const wire = wireType(type);
  return type.kind !== 'map' && wire !== 2 && wire !== 3;
}

function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

const strict = new TextDecoder('utf-8', { fatal: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
