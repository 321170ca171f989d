import type { LookReport } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import type { ArchiveCompression, Manifest } from '../message/archive-line.ts';
import { ArchiveFile } from '../store/archive-file.ts';
import { readFailure, toDeadLetter } from './failure.ts';
import { inspectDeadLetters, type InspectRequest } from './inspect.ts';
import { redact, type RedactedPath } from './redact.ts';
import type { DeadLetterSource } from './source.ts';

export interface ArchiveRequest extends InspectRequest {
  /** Where there is no file yet. */
  readonly path: string;
  readonly compression: ArchiveCompression | null;
  readonly redacted: readonly { readonly path: RedactedPath; readonly text: string }[];
}

export interface ArchiveResult {
  readonly manifest: Manifest;
  /** False where the limit ended it. */
  readonly complete: boolean;
  readonly report: LookReport;
}

/** Copies dead letters into a file, and changes nothing at their system. Where it fails there is no file. Throws `UsageError` where there is one. */
export async function archiveDeadLetters(
  source: DeadLetterSource,
  request: ArchiveRequest,
  onProgress: (count: number) => void,
  signal: AbortSignal,
): Promise<ArchiveResult> {
  const file = await ArchiveFile.create(request.path, request.compression);
  const paths = request.redacted.map(({ path }) => path);
  try {
    const { complete, report } = await inspectDeadLetters(
      source,
      request,
      async (batch) => {
        for (const { message } of batch)
          await file.add(
            paths.length === 0 ? message : redactedLetter(source, message, paths),
            paths.length > 0,
          );
        onProgress(batch.length);
      },
      signal,
    );
    const manifest = await file.finish({
      channel: request.channel,
      target: source.driver.target,
      madeAt: Date.now(),
      redacted: request.redacted.map(({ text }) => text),
    });
    return { manifest, complete, report };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** What it died of is read again, from what is left: an exception's text may hold what was to be taken out. */
function redactedLetter(
  { driver: { deadLetters } }: DeadLetterSource,
  message: Message,
  paths: readonly RedactedPath[],
): Message {
  const left = redact(message, paths);
  const native = deadLetters === undefined ? null : deadLetters.read.bind(deadLetters);
  const failure = readFailure(left, native);
  return { ...left, deadLetter: failure === null ? null : toDeadLetter(failure) };
}
