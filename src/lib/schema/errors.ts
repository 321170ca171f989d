import { FailedError, UsageError, type ErrorDetails } from '../errors.ts';
import type { Place } from './finding.ts';

/** A schema that is none: exit 2. */
export class InvalidSchemaError extends UsageError {
  readonly place: Place | null;

  /** `name` is what the schema is called; the place, where known, leads the message as `file:line:column`. */
  constructor(name: string, reason: string, place: Place | null = null, details?: ErrorDetails) {
    const at = place === null ? name : `${place.file}:${place.line.toString()}:${place.column.toString()}`;
    super(`${at}: ${reason}`, details);
    this.place = place;
  }
}

/** Bytes or a value that the schema does not take. `code` is stable, for counting: `truncated`, `absurd-count`. */
export class PayloadError extends FailedError {
  readonly reason: string;

  constructor(reason: string, message: string, details?: ErrorDetails) {
    super(message, { ...details, code: 'PAYLOAD' });
    this.reason = reason;
  }
}
