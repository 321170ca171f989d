import type { OutgoingMessage } from '../../message/message.ts';
import type { Publisher } from '../driver.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Membership } from './protocol/membership/membership.ts';
import { KafkaPublish } from './publish.ts';
import type { KafkaPublisher } from './publisher.ts';
import { commit, commitParts, readResolved, resolvedGroup } from './resolved-offsets.ts';
import type { CommitPart, KeptOffsets } from './resolved-offsets.ts';
import { ResolvedSet } from './resolved-set.ts';
import { requireAccepted, ResolvedTopic } from './resolved-topic.ts';
import type { Session } from './session.ts';
import { keepFor } from './topic-retention.ts';
import type { Transactions } from './transaction.ts';

/** Where it is kept which offsets of a topic are done with. */
export interface OffsetRecord {
  /** By partition; one of which nothing is kept is missing. */
  read(signal: AbortSignal): Promise<ReadonlyMap<number, ResolvedSet>>;
  /** Throws `CommitRefused` where the member is one no more. */
  write(
    sets: ReadonlyMap<number, ResolvedSet>,
    member: Membership | null,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

/** The commits of a consumer group. */
export class GroupRecord implements OffsetRecord {
  readonly #session: Session;
  readonly #group: string;
  readonly #topic: string;
  #foreign: ReadonlyMap<number, string> = new Map();

  constructor(session: Session, group: string, topic: string) {
    this.#session = session;
    this.#group = group;
    this.#topic = topic;
  }

  async read(signal: AbortSignal): Promise<ReadonlyMap<number, ResolvedSet>> {
    const kept = await readResolved(this.#session, this.#group, this.#topic, signal);
    this.#foreign = kept.foreign;
    return kept.sets;
  }

  async write(
    sets: ReadonlyMap<number, ResolvedSet>,
    member: Membership | null,
    signal: AbortSignal,
  ): Promise<void> {
    const parts = commitParts(this.#topic, sets, this.#foreign, null);
    const request = { group: this.#group, topic: this.#topic, parts, member, retentionMs: null };
    await commit(this.#session, request, signal);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}

/** What has to be written together, so that it is true. */
export interface ResolvedWrite {
  /** For the topic that remembers; none where the commit has it all. */
  readonly messages: readonly OutgoingMessage[];
  readonly parts: readonly CommitPart[];
  /** It was not written. */
  readonly giveBack: () => void;
}

/**
 * What is done with of a topic of dead letters: in the commits of the group `mqctl-dlq.<topic>`; or in the topic that the
 * context names for it, and then the commits say which topic that is, so that who works without that context finds it.
 */
export class ResolvedRecord implements OffsetRecord {
  readonly #session: Session;
  readonly #topic: TopicMetadata;
  readonly #group: string;
  #kept: KeptOffsets | null = null;
  #place: ResolvedTopic | null = null;
  #forgotten = false;
  #publisher: Publisher | null = null;
  #retentionMs: number | null = null;

  constructor(session: Session, topic: TopicMetadata) {
    this.#session = session;
    this.#topic = topic;
    this.#group = resolvedGroup(topic.topic);
  }

  get group(): string {
    return this.#group;
  }

  /** The topic that remembers; null: the commits do. As the last `read` found it. */
  get place(): ResolvedTopic | null {
    return this.#place;
  }

  /** As the last `read` found it: the topic that the commits name says nothing of what they were about. */
  get forgotten(): boolean {
    return this.#forgotten;
  }

  /** When the broker may forget it, milliseconds since 1970; null: never, or not noted. As the last `read` found it. */
  get expiresAt(): number | null {
    return this.#session.resolvedTopic === null ? (this.#kept?.expiresAt ?? null) : null;
  }

  /** Throws `FailedError` where it cannot be read, `NotFoundError` and `UsageError` for a topic that cannot remember. */
  async read(signal: AbortSignal): Promise<ReadonlyMap<number, ResolvedSet>> {
    const kept = await readResolved(this.#session, this.#group, this.#topic.topic, signal);
    this.#kept = kept;
    const { resolvedTopic } = this.#session;
    const named = [...new Set(kept.elsewhere.values())];
    const [chosen, ...others] =
      resolvedTopic === null ? named : [resolvedTopic, ...named.filter((name) => name !== resolvedTopic)];
    this.#forgotten = false;
    if (chosen === undefined) return kept.sets;
    this.#place = await ResolvedTopic.open(this.#session, chosen, this.#topic, signal);
    const sets = new Map(await this.#place.read(signal));
    this.#note(chosen, sets);
    // What is kept anywhere else comes to the chosen one with the next write.
    for (const other of others) {
      const place = await ResolvedTopic.open(this.#session, other, this.#topic, signal);
      const there = await place.read(signal);
      this.#note(other, there);
      merge(sets, there);
    }
    merge(sets, kept.sets);
    return sets;
  }

  /** What a commit is about, the topic that it names knows as well: they are written together. */
  #note(name: string, sets: ReadonlyMap<number, ResolvedSet>): void {
    for (const [partition, keptIn] of this.#kept?.elsewhere ?? [])
      if (keptIn === name && !sets.has(partition)) this.#forgotten = true;
  }

  /** Throws `FailedError` with code `RESOLVED_SET_FULL`. */
  prepare(sets: ReadonlyMap<number, ResolvedSet>, expiresAt: number | null): ResolvedWrite {
    const { topic } = this.#topic;
    const foreign = this.#kept?.foreign ?? new Map<number, string>();
    const parts = commitParts(topic, sets, foreign, expiresAt, this.#place?.name ?? null);
    return { parts, ...(this.#place?.changes(sets) ?? { messages: [], giveBack: () => undefined }) };
  }

  async write(
    sets: ReadonlyMap<number, ResolvedSet>,
    member: Membership | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { topic } = this.#topic;
    const retentionMs = (this.#retentionMs ??= await keepFor(this.#session, topic, signal));
    const { messages, parts, giveBack } = this.prepare(sets, Date.now() + retentionMs);
    try {
      await this.#publish(messages);
      await commit(this.#session, { group: this.#group, topic, parts, member, retentionMs }, signal);
    } catch (thrown) {
      giveBack();
      throw thrown;
    }
  }

  /** A publisher to the topic that remembers, within transactions; null: the commits remember. */
  async openIn(transactions: Transactions, signal: AbortSignal): Promise<KafkaPublisher | null> {
    if (this.#place === null) return null;
    return new KafkaPublish(this.#session).openIn(transactions, this.#place.name, signal);
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  async #publish(messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0 || this.#place === null) return;
    this.#publisher ??= await new KafkaPublish(this.#session).open(
      { channel: this.#place.name, delivery: 'at-least-once', compression: null },
      uninterrupted,
    );
    requireAccepted(this.#place.name, await this.#publisher.send(messages));
  }
}

/** What was begun is brought to its end, whatever the user pressed. */
const uninterrupted = new AbortController().signal;

function merge(into: Map<number, ResolvedSet>, from: ReadonlyMap<number, ResolvedSet>): void {
  for (const [partition, set] of from) {
    const known = into.get(partition) ?? new ResolvedSet(0);
    known.addAll(set);
    into.set(partition, known);
  }
}
