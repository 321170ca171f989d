import { UsageError } from '../errors.ts';

const bytes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
};

/** Whole bytes of `10KiB`, `4MiB`, `1.5GiB`, the decimal `10MB`, or a plain number. Throws `UsageError`. */
export function parseSize(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text);
  const unit = bytes[parts?.[2] ?? ''];
  const size = Math.round(Number(parts?.[1]) * (unit ?? NaN));
  if (parts === null || unit === undefined || !Number.isSafeInteger(size))
    throw new UsageError(`${JSON.stringify(text)} is no size`, {
      hint: 'write it as 10KiB, 4MiB, 1GiB (powers of 1024), 10MB (powers of 1000), or a number of bytes',
    });
  return size;
}
