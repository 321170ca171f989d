/** A long of any size for avsc's own types: by itself it throws beyond 2^53, where healthy data would look like poison. */
import avsc from 'avsc';
import { readBigLong } from './varint.ts';

/** What avsc reads from; its own class is not exported. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
}

declare module 'avsc' {
  interface Type {
    _read(tap: Tap): unknown;
  }
}

export class ExactLong extends avsc.types.LongType {
  override _read(tap: Tap): number | string {
    const [exact, end] = readBigLong(tap.buf, tap.pos);
    tap.pos = end;
    const value = Number(exact);
    return Number.isSafeInteger(value) ? value : exact.toString();
  }
}
