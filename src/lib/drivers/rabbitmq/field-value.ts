/** The scalar types of field tables as exact text: nothing is rounded, every bit pattern has one text of its own. */
import { UsageError } from '../../errors.ts';

interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

/** Types by the word of `message.ts`. */
export const integerRanges = {
  int8: { min: -0x80n, max: 0x7fn },
  uint8: { min: 0n, max: 0xffn },
  int16: { min: -0x8000n, max: 0x7fffn },
  uint16: { min: 0n, max: 0xffffn },
  int32: { min: -0x8000_0000n, max: 0x7fff_ffffn },
  uint32: { min: 0n, max: 0xffff_ffffn },
  int64: { min: -0x8000_0000_0000_0000n, max: 0x7fff_ffff_ffff_ffffn },
  timestamp: { min: 0n, max: 0xffff_ffff_ffff_ffffn },
} as const satisfies Readonly<Record<string, IntegerRange>>;

/** Throws `UsageError`. */
export function parseInteger(text: string, type: keyof typeof integerRanges): bigint {
  const { min, max } = integerRanges[type];
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null;
  if (value === null || value < min || value > max)
    throw new UsageError(`${JSON.stringify(text)} is no ${type}`, {
      hint: `write a whole number from ${String(min)} to ${String(max)}`,
    });
  return value;
}

/** `true` and `false` are 1 and 0; any other byte, which the wire allows, is its number. */
export function booleanText(byte: number): string {
  if (byte === 0) return 'false';
  return byte === 1 ? 'true' : String(byte);
}

/** Throws `UsageError`. */
export function parseBoolean(text: string): number {
  if (text === 'false') return 0;
  if (text === 'true') return 1;
  if (/^\d{1,3}$/.test(text) && Number(text) <= 0xff) return Number(text);
  throw new UsageError(`${JSON.stringify(text)} is no boolean`, { hint: 'write true or false' });
}

/** As many digits after the point as the scale says: `3.00` is not `3`. */
export function decimalText(scale: number, digits: number): string {
  if (scale === 0) return String(digits);
  const padded = String(digits).padStart(scale + 1, '0');
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** Throws `UsageError`. AMQP's decimals have a scale of one octet and 32 bits without a sign. */
export function parseDecimal(text: string): { readonly scale: number; readonly digits: number } {
  const parts = /^(\d+)(?:\.(\d{1,255}))?$/.exec(text);
  const digits = parts === null ? null : BigInt(`${parts[1] ?? ''}${parts[2] ?? ''}`);
  if (digits === null || digits > 0xffff_ffffn)
    throw new UsageError(`${JSON.stringify(text)} is no decimal`, {
      hint: 'write digits with a point, together at most 4294967295, without a sign: 3.14',
    });
  return { scale: parts?.[2]?.length ?? 0, digits: Number(digits) };
}

const canonicalNan = { float: 0x7fc0_0000n, double: 0x7ff8_0000_0000_0000n } as const;
const hexDigits = { float: 8, double: 16 } as const;

/** The shortest text that gives these bits again; a NaN that is not the usual one keeps its bits: `NaN:7f800001`. */
export function floatText(bits: number, value: number): string {
  if (Number.isNaN(value)) return nanText(BigInt(bits), 'float');
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(text), value)) return numberText(text);
  }
  return numberText(value);
}

/** As `floatText`, for 64 bits: `NaN:7ff0000000000001`. */
export function doubleText(bits: bigint, value: number): string {
  return Number.isNaN(value) ? nanText(bits, 'double') : numberText(value);
}

function nanText(bits: bigint, type: 'float' | 'double'): string {
  return bits === canonicalNan[type] ? 'NaN' : `NaN:${bits.toString(16).padStart(hexDigits[type], '0')}`;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** A number, or the bits of a NaN. Throws `UsageError`. */
export function parseFloating(text: string, type: 'float' | 'double'): number | bigint {
  if (text === 'NaN') return canonicalNan[type];
  const bits = /^NaN:([0-9a-f]+)$/.exec(text)?.[1];
  if (bits?.length === hexDigits[type] && isNanBits(BigInt(`0x${bits}`), type)) return BigInt(`0x${bits}`);
  if (/^[+-]?Infinity$/.test(text)) return Number(text);
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text);
    if (Number.isFinite(type === 'float' ? Math.fround(value) : value)) return value;
  }
  throw new UsageError(`${JSON.stringify(text)} is no ${type}`, {
    hint: 'write a number such as 1.5, -2e-7, Infinity or NaN',
  });
}

function isNanBits(bits: bigint, type: 'float' | 'double'): boolean {
  const [exponent, fraction] =
    type === 'float' ? [0x7f80_0000n, 0x007f_ffffn] : [0x7ff0_0000_0000_0000n, 0x000f_ffff_ffff_ffffn];
  return (bits & exponent) === exponent && (bits & fraction) !== 0n;
}
