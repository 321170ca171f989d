/**
 * One connection of the stream protocol: the login ("Authentication"), questions and their answers, heads of chunks.
 *
 * A client of our own, of the few commands that stored offsets need: `rabbitmq-stream-js-client` 1.0.0 ends the process by an
 * unhandled rejection when a login is refused, waits for answers without a limit, and stores no offset without consuming.
 */
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { certificateFailure } from '../../certificate-failure.ts';
import { FailedError, UnreachableError, UnsupportedError, errorText } from '../../errors.ts';
import type { AmqpAddress } from './amqp-client.ts';
import { withinTime } from './amqp-queues.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  FrameReader,
  FrameSplitter,
  answerBit,
  command,
  frame,
  readChunkHead,
  responseCode,
  writeBytes,
  writeString,
} from './stream-frames.ts';
import type { ChunkHead } from './stream-frames.ts';

export interface StreamAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | null;
  readonly login: AmqpAddress['login'];
  readonly vhost: string;
}

/** A code other than "OK" that an answer carries. */
export class RefusedByStream extends FailedError {
  readonly responseCode: number;

  constructor(what: string, code: number) {
    super(`${what}: RabbitMQ answered with code ${String(code)} of the stream protocol`);
    this.responseCode = code;
  }
}

interface Waiting {
  readonly answered: (reader: FrameReader) => void;
  readonly failed: (error: Error) => void;
}

/** Our own limit for frames: questions and answers are small. */
const frameMax = 1024 * 1024;
const greatestSubscription = 255;

export class StreamLink {
  readonly #socket: Socket;
  readonly #where: string;
  readonly #timeoutMs: number;
  readonly #splitter = new FrameSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #subscriptions = new Map<number, (chunk: ChunkHead) => void>();
  readonly #tuned = Promise.withResolvers<undefined>();
  #correlation = 0;
  #subscription = 0;
  #ended: Error | null = null;
  /** As this node calls itself to clients; null: it does not say. */
  advertised: string | null = null;

  private constructor(socket: Socket, where: string, timeoutMs: number) {
    this.#socket = socket;
    this.#where = where;
    this.#timeoutMs = timeoutMs;
    this.#tuned.promise.catch(() => undefined);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the connection was closed')));
  }

  /** Throws `UnreachableError`, `UnsupportedError` for a login that it does not take. */
  static async open(
    address: StreamAddress,
    name: string,
    openTimeoutMs: number,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<StreamLink> {
    const where = `the stream port ${address.host}:${String(address.port)}`;
    const { host, port, tls } = address;
    const socket = tls === null ? connectTcp({ host, port }) : connectTls({ ...tls, host, port });
    const link = new StreamLink(socket, where, timeoutMs);
    try {
      await withinTime(link.#logIn(address, name, signal), openTimeoutMs, signal);
      return link;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      const ended = link.#ended;
      if (ended === null) throw error;
      const code = 'code' in ended ? String(ended.code) : '';
      const certificate = certificateFailure(code, where, errorText(ended));
      throw new UnreachableError(certificate?.message ?? `cannot reach ${where}: ${errorText(ended)}`, {
        hint:
          certificate?.hint ?? 'enable the plugin rabbitmq_stream, or set settings.streamPort in the context',
        retriable: true,
        cause: ended,
      });
    }
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Throws `RefusedByStream` for an answer that is not OK. */
  async ask<T>(
    what: string,
    key: number,
    content: (writer: ByteWriter) => void,
    read: (reader: FrameReader) => T,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#exchange(key, content, signal, (reader) => {
      const code = reader.uint16();
      if (code !== responseCode.ok) throw new RefusedByStream(what, code);
      return read(reader);
    });
  }

  /** "Metadata" has no code of its own. */
  async askWithoutCode<T>(
    key: number,
    content: (writer: ByteWriter) => void,
    read: (reader: FrameReader) => T,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#exchange(key, content, signal, read);
  }

  /** For what is not answered. */
  send(key: number, content: (writer: ByteWriter) => void): void {
    if (this.#ended !== null) throw this.#lost(this.#ended);
    this.#socket.write(frame(key, null, content));
  }

  /** A number that no other subscription of this connection has; `onChunk` gets the heads of what is delivered to it. */
  subscription(onChunk: (chunk: ChunkHead) => void): number {
    if (this.#subscriptions.size > greatestSubscription)
      throw new FailedError('too many subscriptions at once');
    do this.#subscription = (this.#subscription + 1) % (greatestSubscription + 1);
    while (this.#subscriptions.has(this.#subscription));
    this.#subscriptions.set(this.#subscription, onChunk);
    return this.#subscription;
  }

  endSubscription(id: number): void {
    this.#subscriptions.delete(id);
  }

  close(): void {
    if (this.#ended === null)
      this.#socket.end(
        frame(command.close, ++this.#correlation, (writer) => {
          writer.uint16(responseCode.ok);
          writeString(writer, 'done');
        }),
      );
    this.#ended ??= new Error('it was closed');
    // The server closes after its answer; nothing depends on it.
    this.#socket.unref();
  }

  async #exchange<T>(
    key: number,
    content: (writer: ByteWriter) => void,
    signal: AbortSignal,
    read: (reader: FrameReader) => T,
  ): Promise<T> {
    signal.throwIfAborted();
    if (this.#ended !== null) throw this.#lost(this.#ended);
    const correlation = ++this.#correlation;
    const answer = Promise.withResolvers<T>();
    this.#waiting.set(correlation, {
      answered: (reader) => {
        try {
          answer.resolve(read(reader));
        } catch (error) {
          answer.reject(error);
        }
      },
      failed: answer.reject,
    });
    this.#socket.write(frame(key, correlation, content));
    try {
      return await withinTime(answer.promise, this.#timeoutMs, signal);
    } finally {
      this.#waiting.delete(correlation);
    }
  }

  async #logIn({ login, vhost }: StreamAddress, name: string, signal: AbortSignal): Promise<void> {
    const properties = [
      ['product', 'mqctl'],
      ['connection_name', name],
    ] as const;
    const nothing = () => undefined;
    await this.ask(
      'the connection',
      command.peerProperties,
      (writer) => {
        writer.uint32(properties.length);
        for (const [key, value] of properties) {
          writeString(writer, key);
          writeString(writer, value);
        }
      },
      nothing,
      signal,
    );
    const mechanisms = await this.ask(
      'the login',
      command.saslHandshake,
      nothing,
      (reader) => reader.array(() => reader.string()),
      signal,
    );
    if (!mechanisms.includes(login.mechanism))
      throw new UnsupportedError(`${this.#where} takes no login by ${login.mechanism}`, {
        hint: `it takes ${mechanisms.join(', ')}`,
      });
    const secret = login.mechanism === 'PLAIN' ? `\0${login.username}\0${login.password}` : '';
    try {
      await this.ask(
        'the login',
        command.saslAuthenticate,
        (writer) => {
          writeString(writer, login.mechanism);
          writeBytes(writer, Buffer.from(secret, 'utf8'));
        },
        nothing,
        signal,
      );
      await this.#tuned.promise;
      const open = await this.ask(
        'the virtual host',
        command.open,
        (writer) => writeString(writer, vhost),
        (reader) => new Map(reader.array(() => [reader.string(), reader.string()] as const)),
        signal,
      );
      const host = open.get('advertised_host');
      this.advertised = host === undefined ? null : `${host}:${open.get('advertised_port') ?? ''}`;
    } catch (error) {
      if (!(error instanceof RefusedByStream)) throw error;
      throw new UnreachableError(
        error.responseCode === responseCode.vhostRefused
          ? `${this.#where} refused the virtual host "${vhost}"`
          : `${this.#where} refused the login`,
        { hint: 'check username and password; guest may log in from localhost only' },
      );
    }
  }

  #receive(bytes: Buffer): void {
    try {
      for (const each of this.#splitter.push(bytes)) this.#handle(new FrameReader(each));
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
    }
  }

  #handle(reader: FrameReader): void {
    const key = reader.uint16();
    reader.skip(2); // version
    switch (key) {
      case command.deliver: {
        const chunk = readChunkHead(reader);
        this.#subscriptions.get(chunk.subscription)?.(chunk);
        return;
      }
      case command.tune: {
        const [theirs, heartbeat] = [reader.uint32(), reader.uint32()];
        this.#socket.write(
          frame(command.tune, null, (writer) => {
            writer.uint32(theirs === 0 ? frameMax : Math.min(theirs, frameMax));
            writer.uint32(heartbeat);
          }),
        );
        this.#tuned.resolve(undefined);
        return;
      }
      case command.heartbeat:
        this.#socket.write(frame(command.heartbeat, null));
        return;
      case command.close: {
        reader.skip(4 + 2); // correlation and code
        this.#end(new Error(`the server closes it: ${reader.string()}`));
        this.#socket.destroy();
        return;
      }
      default:
        // What else comes without having been asked for (a stream has moved, credit for one that is gone) changes nothing here.
        if ((key & answerBit) !== 0 && key !== (command.credit | answerBit))
          this.#waiting.get(reader.uint32())?.answered(reader);
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#tuned.reject(this.#ended);
    for (const { failed } of this.#waiting.values()) failed(this.#lost(this.#ended));
  }

  #lost(cause: Error): UnreachableError {
    const words = errorText(cause)
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 300);
    return new UnreachableError(`${this.#where}: ${words}`, { retriable: true, cause });
  }
}
