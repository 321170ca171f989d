/**
 * Where groups stand. Kinesis remembers nobody's place, so mqctl's own lie in the state folder of this machine: a file for
 * each group and stream, and a lock beside it while somebody reads.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { NotFoundError } from '../../errors.ts';
import { ExclusiveLock } from '../../store/exclusive-lock.ts';
import { readJsonFile, writeJsonFile } from '../../store/json-file.ts';
import type { GroupMember } from '../driver.ts';
import { placeFrom, placeText } from './place.ts';
import type { Place } from './place.ts';

/** A group in one stream. */
export interface Standing {
  readonly group: string;
  readonly stream: string;
  readonly places: ReadonlyMap<string, Place>;
}

export class GroupStore {
  readonly #folder: string;
  readonly #target: string;

  constructor(stateFolder: string, target: string) {
    this.#folder = join(stateFolder, 'kinesis');
    this.#target = target;
  }

  /** Every group at this target. */
  async all(): Promise<readonly Standing[]> {
    if (!existsSync(this.#folder)) return [];
    const files = (await readdir(this.#folder)).filter((name) => name.endsWith('.json')).sort();
    const found: Standing[] = [];
    for (const file of files) {
      const kept = standingFrom(await readJsonFile(join(this.#folder, file)));
      if (kept?.target === this.#target) found.push(kept);
    }
    return found;
  }

  /** null: it has none in this stream. */
  async find(group: string, stream: string): Promise<ReadonlyMap<string, Place> | null> {
    const kept = standingFrom(await readJsonFile(this.#path(group, stream)));
    return kept?.places ?? null;
  }

  /** Throws `NotFoundError`. */
  async places(group: string, stream: string): Promise<ReadonlyMap<string, Place>> {
    const found = await this.find(group, stream);
    if (found === null) throw this.missing(group);
    return found;
  }

  missing(group: string): NotFoundError {
    return new NotFoundError('group', group, this.#target);
  }

  /** Whole or not at all. */
  async keep({ group, stream, places }: Standing): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeJsonFile(this.#path(group, stream), {
      target: this.#target,
      stream,
      group,
      places: Object.fromEntries([...places].map(([shard, place]) => [shard, placeText(place)])),
    });
  }

  async forget(group: string, stream: string): Promise<void> {
    const path = this.#path(group, stream);
    await rm(path, { force: true });
    await rm(lockPath(path), { force: true });
  }

  /** Reads for this group alone on this machine, until it is released. `heldBy`: who does already. */
  async lock(group: string, stream: string): Promise<ExclusiveLock | { readonly heldBy: string }> {
    const note = JSON.stringify({ pid: process.pid, host: hostname() });
    return ExclusiveLock.tryAcquire(lockPath(this.#path(group, stream)), note);
  }

  /** Who reads for it now; null: nobody. */
  async member({ group, stream, places }: Standing): Promise<GroupMember | null> {
    if (!existsSync(lockPath(this.#path(group, stream)))) return null;
    const lock = await this.lock(group, stream);
    if (lock instanceof ExclusiveLock) {
      lock.release();
      return null;
    }
    const { pid, host } = holderFrom(lock.heldBy);
    return {
      id: `process ${pid}`,
      client: 'mqctl',
      host,
      partitions: [...places.keys()].map((partition) => ({ channel: stream, partition })),
      inFlight: null,
      prefetch: null,
    };
  }

  #path(group: string, stream: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([this.#target, stream, group]))
      .digest('hex');
    return join(this.#folder, `${name.slice(0, 40)}.json`);
  }
}

function lockPath(path: string): string {
  return `${path}.lock`;
}

/** What was noted of it, parsed; null where the file is none of ours. */
function standingFrom(document: unknown): (Standing & { readonly target: string }) | null {
  const { target, stream, group, places } = fieldsOf(document);
  if (typeof target !== 'string' || typeof stream !== 'string' || typeof group !== 'string') return null;
  const kept = new Map<string, Place>();
  for (const [shard, text] of Object.entries(fieldsOf(places))) {
    const place = typeof text === 'string' ? placeFrom(text) : null;
    if (place !== null) kept.set(shard, place);
  }
  return { target, stream, group, places: kept };
}

/** Who holds a lock, by its note in JSON. A process that is not told is `unknown`; null: the host is not told. */
export function holderFrom(note: string): { readonly pid: string; readonly host: string | null } {
  let said: unknown = null;
  try {
    said = JSON.parse(note);
  } catch {
    // Its note is not written yet.
  }
  const { pid, host } = fieldsOf(said);
  return {
    pid: typeof pid === 'number' ? String(pid) : 'unknown',
    host: typeof host === 'string' ? host : null,
  };
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null
    ? Object.fromEntries(Object.entries(document))
    : {};
}
