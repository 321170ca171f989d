/**
 * A value that the writer's schema accepts and the reader cannot read. It is built along the trail of a difference, and
 * two judges have to agree: avsc, and the reading by the specification that says where and why.
 */
import type avsc from 'avsc';
import type { JsonValue } from '../../message/record.ts';
import type { WitnessSearch } from '../engine.ts';
import type { Witness } from '../finding.ts';
import { Random } from '../random.ts';
import { compile } from './avsc-schema.ts';
import { ExactLong } from './exact-long.ts';
import type { AvroDifference } from './compare.ts';
import { scaledText } from './decimal.ts';
import { defaultsHoldTooMuch } from './default-value.ts';
import { ValueGenerator, heightsIn, type AtTheSpot } from './generate.ts';
import { logicalText } from './logical-text.ts';
import { innerTypes, type AvroType, type LogicalType } from './model.ts';
import { resolveValue, type Refusal } from './resolve.ts';
import { writeValue } from './write.ts';

const mostAttempts = 200;

/**
 * The smallest value first, whatever the time, then random ones by the seed, 200 in all. null: none was seen to break, or a
 * default holds too much to be tried.
 */
export function findAvroWitness(
  reader: AvroType,
  writer: AvroType,
  difference: AvroDifference,
  { seed, timeMs }: WitnessSearch,
): Witness | null {
  if (defaultsHoldTooMuch(reader) || defaultsHoldTooMuch(writer)) return null;
  const random = new Random(seed);
  const heights = heightsIn(writer);
  const judge = new Judge(reader, writer);
  const deadline = performance.now() + timeMs;
  for (
    let attempt = 0;
    attempt < mostAttempts && (attempt === 0 || performance.now() < deadline);
    attempt += 1
  ) {
    const generator = new ValueGenerator(heights, random, attempt === 0);
    const value = generator.along(
      writer,
      difference.trail,
      spotMaker(generator, reader, difference, attempt),
    );
    if (value === undefined) continue;
    const witness = judge.try(value, difference);
    if (witness !== null) return witness;
  }
  return null;
}

/** What has to stand at the spot for the difference to show. */
function spotMaker(
  generator: ValueGenerator,
  reader: AvroType,
  { code }: AvroDifference,
  attempt: number,
): AtTheSpot {
  return (type) => {
    if (code === 'MISSING_ENUM_SYMBOLS' && type.kind === 'enum') {
      const known = new Set(symbolsIn(reader, new Set()));
      const unknown = type.symbols.filter((symbol) => !known.has(symbol));
      return unknown[attempt] ?? type.symbols[attempt % type.symbols.length];
    }
    const logical = 'logical' in type ? type.logical : null;
    if (code.startsWith('DECIMAL_') && logical !== null) return largestDecimal(logical);
    if (code === 'LOGICAL_TYPE_MISMATCH' && type.kind === 'int') return 20_000 + attempt;
    if (code === 'LOGICAL_TYPE_MISMATCH' && type.kind === 'long') return 1_700_000_000_000 + attempt;
    return generator.any(type);
  };
}

function symbolsIn(type: AvroType, seen: Set<AvroType>): readonly string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  if (type.kind === 'enum') return type.symbols;
  return innerTypes(type).flatMap((inner) => symbolsIn(inner, seen));
}

function largestDecimal({ precision, scale }: LogicalType): string {
  return scaledText(10n ** BigInt(precision ?? 1) - 1n, scale ?? 0);
}

class Judge {
  readonly #reader: AvroType;
  readonly #writer: AvroType;
  readonly #writerCodec: avsc.Type;
  readonly #read: (payload: Buffer) => void;

  constructor(reader: AvroType, writer: AvroType) {
    this.#reader = reader;
    this.#writer = writer;
    this.#writerCodec = codecOf(writer);
    this.#read = readerOf(reader, this.#writerCodec);
  }

  try(value: JsonValue, difference: AvroDifference): Witness | null {
    const { violations, bytes } = writeValue(this.#writer, value, 1);
    if (violations.length > 0) return null;
    this.#writerCodec.fromBuffer(bytes); // throws where our own encoder is wrong: never a witness
    const { value: read, refusals } = resolveValue(this.#reader, this.#writer, bytes);
    const refusal = refusals.find((candidate) => isOf(candidate, difference));
    const common = { written: value, bytes: new Uint8Array(bytes) };
    if (refusal?.code === 'DECIMAL_PRECISION_MISMATCH')
      return { ...common, outcome: 'refused', read: null, detail: sentence(refusal) };
    if (refusal !== undefined) {
      // avsc refuses a pair of schemas at its first problem: where this one comes after another, its words would mislead.
      if (!this.#isRefused(bytes)) return null;
      return { ...common, outcome: 'refused', read: null, detail: sentence(refusal) };
    }
    if (refusals.length > 0 || this.#isRefused(bytes)) return null;
    if (difference.code === 'DECIMAL_SCALE_MISMATCH' && JSON.stringify(read) !== JSON.stringify(value))
      return { ...common, outcome: 'differs', read, detail: 'the same digits, with the point elsewhere' };
    if (difference.code !== 'LOGICAL_TYPE_MISMATCH') return null;
    const texts = logicalText(this.#reader, this.#writer, value, difference.trail);
    return texts === null || texts.read === texts.written
      ? null
      : {
          ...common,
          outcome: 'differs',
          read,
          detail: `${texts.written} was meant, and ${texts.read} is understood`,
        };
  }

  #isRefused(payload: Buffer): boolean {
    try {
      this.#read(payload);
      return false;
    } catch {
      return true;
    }
  }
}

function isOf(refusal: Refusal, { code, reader }: AvroDifference): boolean {
  return refusal.code === code && refusal.readerPointer === reader.pointer;
}

function sentence({ dataPointer, message }: Refusal): string {
  return dataPointer === '' ? message : `at ${dataPointer}: ${message}`;
}

/** avsc as it is, but for longs that it would refuse by itself. */
function codecOf(type: AvroType): avsc.Type {
  return compile(type, ({ kind }) => (kind === 'long' ? new ExactLong() : undefined));
}

function readerOf(reader: AvroType, writer: avsc.Type): (payload: Buffer) => void {
  const type = codecOf(reader);
  let resolver: ReturnType<avsc.Type['createResolver']>;
  try {
    resolver = type.createResolver(writer, { ignoreNamespaces: true });
  } catch (error) {
    return () => {
      throw error;
    };
  }
  return (payload) => {
    type.fromBuffer(payload, resolver);
  };
}
