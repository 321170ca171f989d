/** What `produce --request` tells of what came back. */
import type { Reply } from '../../drivers/driver.ts';
import { FailedError, PartialError, type MqctlError } from '../../errors.ts';
import { toRecord } from '../../message/record.ts';
import type { RequestResult } from '../../operations/request.ts';
import { makeMessageWriter } from '../../output/message-writer.ts';
import type { Output } from '../../output/output.ts';
import { countOf, countText } from '../../output/time.ts';

/** More are counted, not listed in one document. */
const repliesListed = 1_000;
/** More failures are counted, not listed. */
const failuresListed = 20;

interface FailedLine {
  readonly line: number;
  readonly code: string;
  readonly reason: string;
}

/** Replies as they come: their values, with `ndjson` as records; with `json` in one document at the end. */
export class ReplyReport {
  readonly #output: Output;
  readonly #format: 'value' | 'ndjson' | 'json';
  readonly #write: ReturnType<typeof makeMessageWriter>;
  readonly #listed: unknown[] = [];
  readonly #failures: FailedLine[] = [];

  constructor(output: Output, format: 'value' | 'ndjson' | 'json') {
    this.#output = output;
    this.#format = format;
    this.#write = makeMessageWriter(output, format === 'ndjson' ? 'ndjson' : 'value');
  }

  async add(line: number, { message, error }: Reply): Promise<void> {
    if (this.#format !== 'json') return this.#write([message]);
    if (this.#listed.length < repliesListed) this.#listed.push({ line, error, ...toRecord(message) });
  }

  addFailure(line: number, { code, message: reason }: FailedError): void {
    if (this.#failures.length < failuresListed) this.#failures.push({ line, code, reason });
  }

  /** Writes out what is still to be written on stdout. */
  async end({ requested, answered, replies }: RequestResult): Promise<void> {
    const listed = this.#listed;
    if (this.#format === 'json')
      await this.#output.printJson({
        requested,
        answered,
        replies: listed,
        ...(replies > listed.length && { repliesNotListed: replies - listed.length }),
        failures: this.#failures,
      });
    await this.#output.data.flush();
  }

  /** A line for a person, and one for each of the first that failed. `delivery`: how requests are sent here. */
  tell({ requested, answered, replies }: RequestResult, channel: string, delivery: string): void {
    this.#output.note(
      `${countText(answered)} of ${countOf(requested, 'request')} to "${channel}" answered, ${countOf(replies, 'reply', 'replies')}, sent ${delivery.replaceAll('-', ' ')}`,
    );
    for (const { line, reason } of this.#failures) this.#output.note(`line ${line.toString()}: ${reason}`);
  }
}

/** The error to end with; null where all were answered. */
export function unanswered({ requested, answered, failure }: RequestResult): MqctlError | null {
  if (failure === null) return null;
  const text = `${countText(requested - answered)} of ${countText(requested)} ${requested - answered === 1 ? 'was' : 'were'} not answered`;
  return answered > 0 ? new PartialError(text) : new FailedError(text, { code: failure.code });
}
