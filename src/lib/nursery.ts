import { setFlagsFromString } from 'node:v8';

/**
 * Messages live briefly, and V8 answers many of them with a nursery of up to 128 MB, nearly all of it dead. Kept at the size that it
 * has after start-up, a stream of any length runs in about half the memory and no slower. The size itself can only be set before
 * Node starts; how it grows is read each time.
 */
export function keepNurserySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
