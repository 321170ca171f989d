import { PassThrough } from 'node:stream';
import { Output } from '../../../src/lib/output/output.ts';
import type { OutputStream } from '../../../src/lib/output/streams.ts';

export interface RecordingOutput {
  readonly output: Output;
  /** What went to stdout. */
  readonly written: () => string;
  /** What went to stderr. */
  readonly said: () => string;
}

/** An output that keeps what is written: a terminal of so many columns, or a pipe where null. Without colour. */
export function recordingOutput(columns: number | null): RecordingOutput {
  const [stdout, written] = recordingStream(columns);
  const [stderr, said] = recordingStream(columns);
  const output = new Output(stdout, stderr);
  output.configure({ quiet: false, debug: false, noColour: true, jsonErrors: false });
  return { output, written, said };
}

function recordingStream(columns: number | null): [OutputStream, () => string] {
  const chunks: Buffer[] = [];
  const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
  const terminal = columns === null ? {} : { isTTY: true, columns, rows: 24 };
  return [Object.assign(stream, terminal), () => Buffer.concat(chunks).toString('latin1')];
}

/** Text as the latin1 in which the recording tells it: bytes that are no UTF-8 stay what they are. */
export function asWritten(text: string): string {
  return Buffer.from(text).toString('latin1');
}
