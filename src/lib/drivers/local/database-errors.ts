import { DeniedError, errorText, FailedError, MqctlError, UnreachableError } from '../../errors.ts';

/** Primary result codes of SQLite: https://sqlite.org/rescode.html */
const busy = 5;
const locked = 6;

/** The primary result code of what `node:sqlite` threw; null for anything else. */
function resultCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return null;
  return thrown.errcode & 0xff;
}

/** Another process is writing just now: worth waiting for. */
export function isBusy(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === busy || code === locked;
}

/** What a user reads instead of SQLite's own error. Errors of ours pass through. */
export function readable(thrown: unknown, path: string): unknown {
  if (thrown instanceof MqctlError) return thrown;
  const code = resultCode(thrown);
  const details = { cause: thrown };
  switch (code) {
    case null:
      return thrown;
    case busy:
    case locked:
      return new FailedError(`${path} stayed locked by another process`, {
        ...details,
        code: 'BUSY',
        retriable: true,
        hint: 'try again, or wait longer with --timeout',
      });
    case 3: // PERM
    case 8: // READONLY
    case 23: // AUTH
      return new DeniedError(`${path} may not be written by this user`, {
        ...details,
        hint: 'the file and its folder must be writable',
      });
    case 11: // CORRUPT
      return new FailedError(`${path} is damaged: ${errorText(thrown)}`, {
        ...details,
        code: 'DAMAGED',
        hint: 'see "mqctl status"; sqlite3 with ".recover" saves what can be read',
      });
    case 13: // FULL
      return new FailedError(`the disk that holds ${path} is full`, {
        ...details,
        code: 'DISK_FULL',
        retriable: true,
        hint: 'make room, or purge a channel',
      });
    case 14: // CANTOPEN
      return new UnreachableError(`${path} cannot be opened: ${errorText(thrown)}`, {
        ...details,
        hint: 'the file and its folder must be readable and writable',
      });
    case 26: // NOTADB
      return new UnreachableError(`${path} is no database of mqctl: ${errorText(thrown)}`, {
        ...details,
        hint: 'name another file: this one was left as it is',
      });
    default:
      return new FailedError(`${path}: ${errorText(thrown)}`, details);
  }
}
