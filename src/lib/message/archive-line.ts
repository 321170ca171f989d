/**
 * The lines of an archive: a record a line (`record.ts`), then one line that says what there was.
 *
 *     {"channel":"orders.dlq",…,"schema":null,"crc32":"1c2a3b4d"}
 *     {"manifest":{"format":"mqctl-archive","version":1,"messages":1,"sha256":"…",…},"crc32":"9f8e7d6c"}
 *
 * Each checksum is the CRC-32 of the line without it, carried on from the line before: a changed, missing or swapped line
 * is found by its number. `sha256` is over the record lines as they stand there, line ends included.
 */
import { crc32 } from 'node:zlib';

import { FailedError, UsageError } from '../errors.ts';
import { parseRfc3339 } from './time.ts';

const archiveFormat = 'mqctl-archive';
const archiveVersion = 1;

/** Longer lines are neither written nor read: a line is held in memory whole. */
export const longestArchiveLine = 256 * 1024 * 1024;

export const archiveCompressions = ['zstd', 'gzip'] as const;
export type ArchiveCompression = (typeof archiveCompressions)[number];

/** What `orders.ndjson.zst` asks for by its name; null: plain lines. */
export function compressionOf(path: string): ArchiveCompression | null {
  if (path.endsWith('.zst') || path.endsWith('.zstd')) return 'zstd';
  return path.endsWith('.gz') ? 'gzip' : null;
}

export interface Manifest {
  readonly channel: string;
  /** Where it was made, without secrets. */
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly messages: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** Of the record lines, in hex. */
  readonly sha256: string;
  /** The paths that were taken out; empty: it is complete. */
  readonly redacted: readonly string[];
  /** Why what is in it was removed, as the operator said it; null: nobody said. */
  readonly reason: string | null;
}

export interface SealedLine {
  /** Without the line's end. */
  readonly line: string;
  /** To be carried on to the next line. */
  readonly checksum: number;
}

/** `{…}` with its checksum as the last field. `before` is the checksum of the line before it, 0 for the first one. */
export function sealed(line: string, before: number): SealedLine {
  const checksum = crc32(line, before);
  return { line: `${line.slice(0, -1)},"crc32":"${hex(checksum)}"}`, checksum };
}

const sealBytes = ',"crc32":"00000000"}'.length;
const sealForm = /^,"crc32":"([0-9a-f]{8})"\}$/;
const closing = Buffer.from('}');

/** The checksum to be carried on; null where it does not fit the line, or there is none. */
export function checkSeal(line: Uint8Array, before: number): number | null {
  if (line.length <= sealBytes) return null;
  const seal = Buffer.from(line.subarray(-sealBytes)).toString('latin1');
  const said = sealForm.exec(seal)?.[1];
  const checksum = crc32(closing, crc32(line.subarray(0, -sealBytes), before));
  return said === hex(checksum) ? checksum : null;
}

/** Without checksum and line end: see `sealed`. The time is RFC 3339; a reason of null is left out. */
export function manifestLine(manifest: Manifest): string {
  const { channel, target, madeAt, messages, bytes, sha256, redacted, reason } = manifest;
  return JSON.stringify({
    manifest: {
      format: archiveFormat,
      version: archiveVersion,
      channel,
      target,
      madeAt: new Date(madeAt).toISOString(),
      messages,
      bytes,
      sha256,
      redacted,
      ...(reason !== null && { reason }),
    },
  });
}

const manifestStart = Buffer.from('{"manifest":');

/** Whether a line is the last one of an archive; it need not be a valid one. */
export function isManifestLine(line: Uint8Array): boolean {
  return manifestStart.equals(line.subarray(0, manifestStart.length));
}

/** Throws `FailedError` for one of a newer version, `UsageError` for what is none. */
export function parseManifest(line: Uint8Array): Manifest {
  const document: unknown = JSON.parse(
    Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'),
  );
  const fields = fieldsOf(fieldsOf(document).get('manifest'));
  const version = fields.get('version');
  if (fields.get('format') !== archiveFormat || typeof version !== 'number') throw noManifest('format');
  if (version > archiveVersion)
    throw new FailedError(
      `the archive is of version ${version.toString()}, and this mqctl reads up to ${archiveVersion.toString()}`,
      { code: 'NEWER', hint: 'install a newer mqctl' },
    );
  const text = (name: string): string => {
    const value = fields.get(name);
    if (typeof value !== 'string') throw noManifest(name);
    return value;
  };
  const number = (name: string): number => {
    const value = fields.get(name);
    if (typeof value !== 'number') throw noManifest(name);
    return value;
  };
  const madeAt = parseRfc3339(text('madeAt'));
  const [redacted, reason] = [fields.get('redacted'), fields.get('reason')];
  if (madeAt === null || !Array.isArray(redacted)) throw noManifest('madeAt, redacted');
  return {
    channel: text('channel'),
    target: text('target'),
    madeAt,
    messages: number('messages'),
    bytes: number('bytes'),
    sha256: text('sha256'),
    redacted: redacted.map(String),
    reason: typeof reason === 'string' ? reason : null,
  };
}

function noManifest(field: string): UsageError {
  return new UsageError(`the archive's last line is no manifest: ${field}`);
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
