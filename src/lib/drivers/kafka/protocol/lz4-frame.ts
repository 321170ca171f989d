import { MalformedError } from './primitives.ts';

/**
 * How large an LZ4 frame can become at most: its blocks times the largest block that its header allows (LZ4 frame
 * format 1.6.3, "Frame Descriptor"). Read before decompressing, which trusts the frame.
 */
export function lz4FrameBound(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== 0x184d2204)
    throw new MalformedError('it is not an LZ4 frame');
  const flags = frame.readUInt8(4);
  const blockBytes = 2 ** (8 + 2 * ((frame.readUInt8(5) >> 4) & 7));
  const hasContentSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  let bound = 0;
  while (at + 4 <= frame.length) {
    const length = frame.readUInt32LE(at) & 0x7fffffff;
    if (length === 0) break;
    bound += blockBytes;
    at += 4 + length + checksumBytes;
  }
  return bound;
}
