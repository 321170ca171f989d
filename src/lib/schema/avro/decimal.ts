/** Decimals: big-endian two's complement of the unscaled integer (Avro specification, "Decimal"). */

/** Digits of a decimal: the time to make text of more grows with their square. */
export const maxDigits = 10_000;
/** So many bytes have that many digits. */
export const maxDecimalBytes = 4_153;

/** `123.45` from its bytes; no bytes are 0. */
export function decimalText(bytes: Uint8Array, scale: number): string {
  const unscaled =
    bytes.length === 0
      ? 0n
      : BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  return scaledText(unscaled, scale);
}

/** `-123.45` of -12345 and the scale 2; without a point where the scale is 0. */
export function scaledText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The unscaled integer of `123.45`; null where it is no decimal, or has more digits after the point than the scale. */
export function unscaledOf(text: string, scale: number): bigint | null {
  const parts = /^(-?)(\d{1,10000})(?:\.(\d{1,10000}))?$/.exec(text);
  if (parts === null) return null;
  const [, sign = '', whole = '', fraction = ''] = parts;
  if (fraction.length > scale) return null;
  const digits = BigInt(whole + fraction.padEnd(scale, '0'));
  return sign === '-' ? -digits : digits;
}

/** How many digits it has without its sign. */
export function precisionOf(unscaled: bigint): number {
  return (unscaled < 0n ? -unscaled : unscaled).toString().length;
}

/** The shortest bytes, or exactly `size` of them; null where it does not fit. */
export function decimalBytes(unscaled: bigint, size: number | null): Buffer | null {
  let length = size ?? 1;
  if (size === null) while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length += 1;
  if (BigInt.asIntN(length * 8, unscaled) !== unscaled) return null;
  const hex = BigInt.asUintN(length * 8, unscaled)
    .toString(16)
    .padStart(length * 2, '0');
  return Buffer.from(hex, 'hex');
}
