/**
 * Streams over their own protocol: the offsets that consumers have stored, and what AMQP 0-9-1 does not tell of a stream (its
 * first and last offset, and when the broker took a message in).
 *
 * A consumer with a name stores the offset that it processed last, and begins behind it the next time: so do RabbitMQ's clients
 * ("Offset Tracking" in the guides of the Java, .NET and Go clients). Any node takes and tells stored offsets; chunks are read
 * from a node that holds a replica.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeniedError,
  FailedError,
  NotFoundError,
  UnreachableError,
  UsageError,
  errorText,
} from '../../errors.ts';
import type { Connection, Environment } from '../driver.ts';
import type { ParsedAddress } from './address.ts';
import { mappedAddress } from './address.ts';
import type { ByteWriter } from './byte-writer.ts';
import { numberOf, objectOf, objectsOf, textOf } from './json.ts';
import type { Management } from './management.ts';
import { command, responseCode, writeString } from './stream-frames.ts';
import type { ChunkHead, FrameReader } from './stream-frames.ts';
import { RefusedByStream, StreamLink } from './stream-link.ts';

const defaultPort = { plain: 5552, tls: 5551 } as const;
/** Where nobody said which port, it is tried, not waited for. */
const guessTimeoutMs = 2_000;
const retryUnreachedAfterMs = 30_000;
/** Between two questions whether an offset is stored: storing is not answered. */
const storedAfterMs = 20;
/** What a consumer stores that has processed nothing: one more is offset 0. */
const nothingProcessed = 2n ** 64n - 1n;

/** A chunk of a stream: all of its messages have one time. */
export interface Chunk {
  readonly firstOffset: bigint;
  /** Behind its last message. */
  readonly end: bigint;
  /** Milliseconds since 1970, when the broker appended it. */
  readonly timestamp: number;
}

export interface StreamEdges {
  readonly first: bigint;
  /** Behind the last message. */
  readonly end: bigint;
}

/** Where a chunk is looked for ("Subscribe", OffsetSpecification). A time: the first chunk of that time or later. */
export type ChunkPlace =
  | { readonly kind: 'first' }
  | { readonly kind: 'last' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'time'; readonly time: number };

interface Broker {
  readonly host: string;
  readonly port: number;
}

export class Streams {
  readonly #connection: Connection;
  readonly #address: ParsedAddress;
  readonly #environment: Environment;
  readonly #management: Management;
  readonly #links = new Map<string, Promise<StreamLink>>();
  #unreached: { readonly error: unknown; readonly until: number } | null = null;

  constructor(
    connection: Connection,
    address: ParsedAddress,
    environment: Environment,
    management: Management,
  ) {
    this.#connection = connection;
    this.#address = address;
    this.#environment = environment;
    this.#management = management;
  }

  /**
   * What the consumer of that name reads next: one behind what it has stored. null: it has stored nothing there. Throws
   * `NotFoundError` for what is no stream.
   */
  async stored(reference: string, stream: string, signal: AbortSignal): Promise<bigint | null> {
    checkReference(reference);
    const link = await this.#link(signal);
    try {
      return await link.ask(
        `the offset of "${reference}" in "${stream}"`,
        command.queryOffset,
        (writer) => {
          writeString(writer, reference);
          writeString(writer, stream);
        },
        (reader) => BigInt.asUintN(64, reader.uint64() + 1n),
        signal,
      );
    } catch (error) {
      if (error instanceof RefusedByStream && error.responseCode === responseCode.noOffset) return null;
      throw this.#aboutStream(error, stream);
    }
  }

  /**
   * Puts the consumer of that name before `next`. Storing is not answered, not even when it is refused: it is asked for until it is
   * there. Resolves with whether that was seen in time.
   */
  async store(reference: string, stream: string, next: bigint, signal: AbortSignal): Promise<boolean> {
    checkReference(reference);
    const link = await this.#link(signal);
    link.send(command.storeOffset, (writer) => {
      writeString(writer, reference);
      writeString(writer, stream);
      writer.uint64(next === 0n ? nothingProcessed : next - 1n);
    });
    const until = performance.now() + this.#environment.timeoutMs;
    do {
      if ((await this.stored(reference, stream, signal)) === next) return true;
      await sleep(storedAfterMs, undefined, { signal });
    } while (performance.now() < until);
    return false;
  }

  /** null: the stream holds no message. Throws `NotFoundError` for what is no stream. */
  async edges(stream: string, signal: AbortSignal): Promise<StreamEdges | null> {
    const [first, last] = await Promise.all([
      this.chunk(stream, { kind: 'first' }, signal),
      this.chunk(stream, { kind: 'last' }, signal),
    ]);
    return first === null || last === null ? null : { first: first.firstOffset, end: last.end };
  }

  /** null: there is no message at that place or behind it. Throws `NotFoundError` for what is no stream. */
  async chunk(stream: string, place: ChunkPlace, signal: AbortSignal): Promise<Chunk | null> {
    const link = await this.#linkTo(stream, signal);
    const chunks: ChunkHead[] = [];
    const id = link.subscription((chunk) => chunks.push(chunk));
    try {
      await link.ask(
        `reading "${stream}"`,
        command.subscribe,
        (writer) => {
          writer.uint8(id);
          writeString(writer, stream);
          writer.uint16(placeType[place.kind]);
          if (place.kind === 'offset') writer.uint64(place.offset);
          if (place.kind === 'time') writer.uint64(BigInt(place.time));
          writer.uint16(1); // credit: one chunk
          writer.uint32(0); // no properties
        },
        () => undefined,
        signal,
      );
      for (;;) {
        // The node answers in turn: what it has to deliver comes before the answer to a later question.
        await this.#holders(link, stream, signal);
        const chunk = chunks.shift();
        if (chunk === undefined) return null;
        const { firstOffset, records, timestamp } = chunk;
        // A time leads to the chunk that may hold it, not behind it.
        if (place.kind !== 'time' || timestamp >= place.time)
          return { firstOffset, end: firstOffset + BigInt(records), timestamp };
        link.send(command.credit, (writer) => {
          writer.uint8(id);
          writer.uint16(1);
        });
      }
    } catch (error) {
      throw this.#aboutStream(error, stream);
    } finally {
      if (!link.ended)
        await link
          .ask(
            'the end of reading',
            command.unsubscribe,
            (writer) => writer.uint8(id),
            () => undefined,
            AbortSignal.timeout(this.#environment.timeoutMs),
          )
          .catch(() => undefined); // nothing was taken
      link.endSubscription(id);
    }
  }

  close(): void {
    for (const link of this.#links.values())
      link.then(
        (open) => open.close(),
        () => undefined,
      );
    this.#links.clear();
  }

  /** To the node that the address names, which knows every stream. */
  async #link(signal: AbortSignal): Promise<StreamLink> {
    if (this.#unreached !== null && Date.now() < this.#unreached.until) throw this.#unreached.error;
    const configured = configuredPort(this.#connection);
    try {
      const port = configured ?? (await this.#portByManagement(signal)) ?? this.#defaultPort;
      const { host, port: amqpPort } = this.#address;
      const timeoutMs = configured === null ? Math.min(guessTimeoutMs, this.#environment.timeoutMs) : null;
      return await this.#linkAt(mappedAddress(this.#connection, host, port), timeoutMs, signal, amqpPort);
    } catch (error) {
      signal.throwIfAborted();
      this.#unreached = { error, until: Date.now() + retryUnreachedAfterMs };
      throw error;
    }
  }

  /** To a node that holds a replica of the stream, the leader first. */
  async #linkTo(stream: string, signal: AbortSignal): Promise<StreamLink> {
    const link = await this.#link(signal);
    const { nodes, holders } = await this.#holders(link, stream, signal);
    // What a node calls itself may be reachable from its own network alone: this one is reached already.
    if (holders.length === 0 || nodes === 1 || holders.some((each) => addressText(each) === link.advertised))
      return link;
    let failure: unknown = null;
    for (const { host, port } of holders) {
      try {
        return await this.#linkAt(mappedAddress(this.#connection, host, port), null, signal, null);
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw new UnreachableError(
      `no node that holds the stream "${stream}" can be reached: ${errorText(failure)}`,
      { hint: 'map the addresses that the nodes give with addressMap in the context', cause: failure },
    );
  }

  /** "Metadata": how many nodes there are, and which hold the stream. */
  async #holders(
    link: StreamLink,
    stream: string,
    signal: AbortSignal,
  ): Promise<{ readonly nodes: number; readonly holders: readonly Broker[] }> {
    const read = (reader: FrameReader) => {
      const broker = () => [reader.uint16(), { host: reader.string(), port: reader.uint32() }] as const;
      const brokers = new Map(reader.array(broker));
      const [one] = reader.array(() => {
        reader.string(); // its name
        return {
          code: reader.uint16(),
          leader: reader.uint16(),
          replicas: reader.array(() => reader.uint16()),
        };
      });
      const code = one?.code ?? responseCode.noSuchStream;
      if (one === undefined || code !== responseCode.ok)
        throw new RefusedByStream(`the stream "${stream}"`, code);
      const holders = new Set([one.leader, ...one.replicas]);
      return {
        nodes: brokers.size,
        holders: [...holders].flatMap((reference) => brokers.get(reference) ?? []),
      };
    };
    const asked = (writer: ByteWriter) => {
      writer.uint32(1);
      writeString(writer, stream);
    };
    try {
      return await link.askWithoutCode(command.metadata, asked, read, signal);
    } catch (error) {
      throw this.#aboutStream(error, stream);
    }
  }

  async #linkAt(
    broker: Broker,
    timeoutMs: number | null,
    signal: AbortSignal,
    notAmqp: number | null,
  ): Promise<StreamLink> {
    if (broker.port === notAmqp)
      throw new UsageError(`port ${String(notAmqp)} speaks AMQP, not the stream protocol`, {
        hint: 'set settings.streamPort in the context to the port of the plugin rabbitmq_stream',
      });
    const key = addressText(broker);
    for (let known = this.#links.get(key); known !== undefined; known = this.#links.get(key)) {
      const link = await known;
      if (!link.ended) return link;
      if (this.#links.get(key) === known) this.#links.delete(key);
    }
    // Nothing is awaited before it is kept: of two that open at once, nobody would close the first.
    const { tls, login, vhost } = this.#address;
    const opening = StreamLink.open(
      { ...broker, tls, login, vhost },
      'mqctl',
      timeoutMs ?? this.#environment.timeoutMs,
      this.#environment.timeoutMs,
      signal,
    );
    this.#links.set(key, opening);
    opening.then(
      () => this.#environment.log(`connected to the stream port ${key}`),
      () => this.#links.delete(key),
    );
    return opening;
  }

  get #defaultPort(): number {
    return this.#address.tls === null ? defaultPort.plain : defaultPort.tls;
  }

  async #portByManagement(signal: AbortSignal): Promise<number | null> {
    const { api } = await this.#management.reach(signal);
    if (api === null) return null;
    const overview = objectOf(await api.get('/api/overview', signal).catch(() => null));
    const protocol = this.#address.tls === null ? 'stream' : 'stream/ssl';
    const listener = objectsOf(overview['listeners']).find((each) => textOf(each['protocol']) === protocol);
    return numberOf(listener?.['port']);
  }

  #aboutStream(error: unknown, stream: string): unknown {
    if (!(error instanceof RefusedByStream)) return error;
    switch (error.responseCode) {
      case responseCode.noSuchStream:
        return new NotFoundError('stream', stream, this.#address.target);
      case responseCode.accessRefused:
        return new DeniedError(`this login may not read the stream "${stream}"`);
      case responseCode.streamNotAvailable:
        return new FailedError(`the stream "${stream}" is not available: it has no leader now`, {
          retriable: true,
        });
      default:
        return error;
    }
  }
}

const placeType: Readonly<Record<ChunkPlace['kind'], number>> = { first: 1, last: 2, offset: 4, time: 5 };

/** `settings.streamPort` of the context, or `?streamPort=` of the URL. */
function configuredPort(connection: Connection): number | null {
  const text =
    connection.settings['streamPort'] ?? URL.parse(connection.url)?.searchParams.get('streamPort') ?? null;
  if (text === null) return null;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) <= 0xffff) return Number(text);
  throw new UsageError(`streamPort takes a port, not "${text}"`);
}

function checkReference(reference: string): void {
  if (Buffer.byteLength(reference) <= 255) return;
  throw new UsageError(`"${reference.slice(0, 40)}…" is too long for the name of a consumer`, {
    hint: 'RabbitMQ allows 255 bytes',
  });
}

function addressText({ host, port }: Broker): string {
  return `${host}:${String(port)}`;
}
