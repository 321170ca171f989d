/**
 * Empties a channel, and keeps what was in it in an archive first: nothing is removed that is not on the disk, and nothing
 * that came in between.
 *
 * Where a channel can be cut off at a position it is looked through, archived, then cut off behind what was archived. Else
 * each message is taken, archived, made certain on the disk, and only then acknowledged.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { Claimed, Driver, ResolvedState } from '../drivers/driver.ts';
import { FailedError, UnsupportedError, UsageError, errorText } from '../errors.ts';
import type { ArchiveCompression } from '../message/archive-line.ts';
import type { Message } from '../message/message.ts';
import type { Positions } from '../message/position.ts';
import { ArchiveFile } from '../store/archive-file.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

export interface PurgeRequest {
  readonly channel: string;
  /** Where what is removed is kept; null: nowhere. */
  readonly archive: { readonly path: string; readonly compression: ArchiveCompression | null } | null;
  /**
   * `everything`: all that waits as this begins. `resolved`: of a channel that cannot remove single messages, what lies
   * before the first unresolved one. `unresolved`: everything, too, after it was archived and recorded as resolved.
   */
  readonly what: 'everything' | 'resolved' | 'unresolved';
  /** Why, as the operator said it: kept in the archive. */
  readonly reason: string | null;
  readonly onProgress: (count: number) => void;
}

export interface PurgeResult {
  /** null where nothing was archived. */
  readonly archive: string | null;
  readonly archived: number;
  /** null: the system does not say. */
  readonly removed: number | null;
  /** Archived and perhaps still there: no answer came, or somebody else has it. */
  readonly uncertain: number;
  /** Why what is done with lies there still; null: it does not. */
  readonly kept: string | null;
}

/** Nothing is interrupted between an archive that is whole and the removal of what is in it. */
const uninterrupted = new AbortController().signal;
/** Taken and not yet settled: each may have megabytes. */
const takenAtOnce = 100;

/** Throws what the driver throws; what was archived until then is in a whole archive, or in none. */
export async function purgeChannel(
  source: DeadLetterSource,
  request: PurgeRequest,
  signal: AbortSignal,
): Promise<PurgeResult> {
  const { channel, archive, what } = request;
  if (what === 'resolved') return cutResolved(source, request, signal);
  if (what === 'unresolved') return resolveAndCut(source, request, signal);
  if (archive === null) {
    const removed = await adminOf(source).purge(channel, signal);
    return { archive: null, archived: 0, removed, uncertain: 0, kept: null };
  }
  return source.declaration.facets.admin?.purgeThrough === true
    ? cut(source, request, null, signal)
    : takeAll(source, request, async () => undefined, signal);
}

async function cutResolved(
  source: DeadLetterSource,
  request: PurgeRequest,
  signal: AbortSignal,
): Promise<PurgeResult> {
  const state = await resolvedOf(source, request.channel, signal);
  return cut(source, request, before(state), signal);
}

/** Archives what is unresolved and records it as resolved, then cuts: what was resolved before is archived, too. */
async function resolveAndCut(
  source: DeadLetterSource,
  request: PurgeRequest,
  signal: AbortSignal,
): Promise<PurgeResult> {
  const { channel } = request;
  const earlier = await resolvedOf(source, channel, signal);
  let through = new Map<string, string>();
  const alsoArchive = async (file: ArchiveFile | null): Promise<void> => {
    if (signal.aborted) return;
    const now = await resolvedOf(source, channel, signal);
    through = await lookThrough(source, channel, before(now), signal, async (message) => {
      if (earlier.isResolved(message)) await file?.add(message);
    });
  };
  const taken = await takeAll(source, request, alsoArchive, signal);
  try {
    if (through.size > 0) await adminOf(source).purgeThrough?.(channel, through, uninterrupted);
    return taken;
  } catch (error) {
    return { ...taken, kept: errorText(error) };
  }
}

async function resolvedOf(
  { driver, declaration }: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<ResolvedState> {
  const state = await driver.deadLetters?.resolved?.(channel, signal);
  if (state === undefined) throw new UnsupportedError(`${declaration.system} keeps no resolved dead letters`);
  return state;
}

function before({ doneBefore }: ResolvedState): Positions {
  return {
    byPartition: new Map(
      [...doneBefore].map(([partition, offset]) => [partition, { kind: 'offset', offset } as const]),
    ),
  };
}

/** Everything from the start; resolves with the last offset seen of each partition. */
async function lookThrough(
  source: DeadLetterSource,
  channel: string,
  until: Positions | null,
  signal: AbortSignal,
  see: (message: Message) => Promise<void>,
): Promise<Map<string, string>> {
  const looking = await lookOf(source).open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
  const through = new Map<string, string>();
  for await (const batch of looking.batches) {
    for (const message of batch) {
      await see(message);
      if (message.partition !== null && message.offset !== null)
        through.set(message.partition, message.offset);
    }
  }
  signal.throwIfAborted();
  return through;
}

/** Looks through what lies before `until` (null: the end), archives it, and removes exactly that. */
async function cut(
  source: DeadLetterSource,
  { channel, archive, reason, onProgress }: PurgeRequest,
  until: Positions | null,
  signal: AbortSignal,
): Promise<PurgeResult> {
  const admin = adminOf(source);
  if (admin.purgeThrough === undefined)
    throw new UnsupportedError(`${source.declaration.system} cannot remove a part of a channel`);
  const file = archive === null ? null : await beginArchive(archive);
  let seen = 0;
  const see = async (message: Message): Promise<void> => {
    await file?.add(message);
    seen += 1;
    onProgress(1);
  };
  const through = await lookThrough(source, channel, until, signal, see).catch(async (error: unknown) => {
    await file?.discard();
    throw error;
  });
  if (seen === 0) {
    await file?.discard();
    return { archive: null, archived: 0, removed: 0, uncertain: 0, kept: null };
  }
  await file?.finish(about(source.driver, channel, reason));
  let removed: number | null;
  try {
    removed = await admin.purgeThrough(channel, through, uninterrupted);
  } catch (error) {
    if (file === null) throw error;
    throw new FailedError(`nothing was removed: ${errorText(error)}`, {
      hint: `what would have been is in ${file.path}`,
      cause: error,
    });
  }
  return {
    archive: file?.path ?? null,
    archived: file?.messages ?? 0,
    removed: removed ?? seen,
    // Somebody holds them just now.
    uncertain: removed === null ? 0 : Math.max(0, seen - removed),
    kept: null,
  };
}

/** Takes what waits as this begins: archived, on the disk, and then settled, batch by batch. */
async function takeAll(
  source: DeadLetterSource,
  request: PurgeRequest,
  alsoArchive: (file: ArchiveFile | null) => Promise<void>,
  signal: AbortSignal,
): Promise<PurgeResult> {
  const { channel, archive, what } = request;
  const { driver } = source;
  if (driver.claim === undefined)
    throw new UnsupportedError(`messages cannot be taken from ${driver.target}`);
  // What comes in between is not asked for. Where resolved ones stay, the claim itself ends where the channel ended.
  const { waiting } = await lookOf(source).appraise(channel, signal);
  if (waiting === null && what === 'everything')
    throw new UsageError(`how many messages wait in "${channel}" is unknown`, {
      hint: 'without knowing it, only --no-archive can remove them',
    });
  const most = what === 'everything' ? (waiting ?? 0) : Infinity;
  if (most === 0) return { archive: null, archived: 0, removed: 0, uncertain: 0, kept: null };
  const file = archive === null ? null : await beginArchive(archive);
  const claiming = await driver.claim
    .open(
      { channel, group: null, from: null, select: null, follow: false, window: takenAtOnce, leaseMs: null },
      signal,
    )
    .catch(async (error: unknown) => {
      await file?.discard();
      throw error;
    });
  let removed = 0;
  let uncertain = 0;
  let failure: { readonly error: unknown } | null = null;
  try {
    for await (const batch of claiming.batches) {
      if (batch.kind !== 'claimed') continue; // not archived, so not removed
      const items = batch.items.slice(0, most - removed - uncertain);
      await keep(file, items);
      const outcomes = await claiming.settle(items.map(({ claim }) => claim));
      const gone = outcomes.filter((outcome) => outcome === 'settled' || outcome === 'sent').length;
      removed += gone;
      uncertain += outcomes.length - gone;
      request.onProgress(items.length);
      if (removed + uncertain >= most || signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) failure = { error };
  }
  try {
    await claiming.close();
    if (failure === null) await alsoArchive(file);
  } catch (error) {
    failure ??= { error };
  }
  const archived = file?.messages ?? 0;
  // What was removed is kept whatever happened.
  if (archived === 0) await file?.discard();
  else await finishOrTell(file, about(driver, channel, request.reason));
  if (failure !== null) throw interrupted(failure.error, archived > 0 ? (file?.path ?? null) : null, removed);
  return { archive: archived > 0 ? (file?.path ?? null) : null, archived, removed, uncertain, kept: null };
}

async function finishOrTell(file: ArchiveFile | null, end: ReturnType<typeof about>): Promise<void> {
  try {
    await file?.finish(end);
  } catch (error) {
    await file?.leave();
    throw new FailedError(errorText(error), {
      hint: `what was removed is in ${file?.temporaryPath ?? ''}: mqctl dlq restore CHANNEL --torn --file takes it`,
      cause: error,
    });
  }
}

async function keep(file: ArchiveFile | null, items: readonly Claimed[]): Promise<void> {
  if (file === null) return;
  for (const { message } of items) await file.add(asItWas(message));
  await file.sync();
}

/** Being taken is no property of the message. */
function asItWas(message: Message): Message {
  return { ...message, delivery: { count: null, redelivered: null } };
}

function interrupted(error: unknown, path: string | null, removed: number): Error {
  if (path === null) return error instanceof Error ? error : new FailedError(errorText(error));
  return new FailedError(`after ${removed.toString()} were removed: ${errorText(error)}`, {
    hint: `what was removed is in ${path}, and perhaps a few that are still there`,
    cause: error,
  });
}

async function beginArchive({
  path,
  compression,
}: NonNullable<PurgeRequest['archive']>): Promise<ArchiveFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return ArchiveFile.create(path, compression);
}

function about({ target }: Driver, channel: string, reason: string | null) {
  return { channel, target, madeAt: Date.now(), redacted: [], reason };
}

function adminOf({ driver, declaration }: DeadLetterSource) {
  if (driver.admin === undefined) throw new UnsupportedError(`${declaration.system} cannot purge`);
  return driver.admin;
}
