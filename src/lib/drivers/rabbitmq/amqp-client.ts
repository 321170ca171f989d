/**
 * The only file that runs amqplib: its connection (handshake, heartbeats, channels and their answers). Messages pass it
 * as bytes, because its own codec loses them: an int64 comes back as an int8, a long string that is not UTF-8 changes.
 *
 * For that, amqplib's `Connection` is extended at two places: `recvFrame`, which hands over properties as they stand on
 * the wire, and the channel's write buffer, into which whole publications go. These are internals of amqplib 2.3.1: the
 * version is pinned in package.json, and checked here.
 */
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect as connectTcp } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Channel, ChannelModel } from 'amqplib';
import { FailedError, errorText } from '../../errors.ts';
import {
  decodeDeliver,
  decodeGetOk,
  decodeReturn,
  frameEnd,
  frameHeadBytes,
  frameOverhead,
  frameType,
  method,
} from './frames.ts';
import type { DeliveryFields, ReturnFields } from './frames.ts';

const pinned = '2.3.1';

// ---------------------------------------------------------------------------------------------------------------------
// What is used of amqplib's internals

interface Frame {
  readonly channel: number;
  readonly id?: number;
  readonly size?: number;
  readonly fields?: object;
  readonly content?: Buffer;
}

interface WriteBuffer {
  write(bytes: Uint8Array): boolean;
  readonly writableLength: number;
}

interface AmqplibConnection extends EventEmitter {
  readonly stream: Duplex;
  readonly channels: readonly ({ readonly buffer: WriteBuffer } | null | undefined)[];
  readonly frameMax: number;
  readonly maxFrameSize: number;
  readonly heartbeater?: { clear(): void } | null;
  readonly serverProperties: object;
  recvSinceLastCheck: boolean;
  sentSinceLastCheck: boolean;
  open(fields: object, done: (error: Error | null) => void): void;
  /** false: there is no whole frame yet. */
  recvFrame(): Frame | false;
}

interface Amqplib {
  readonly Connection: new (socket: Duplex) => AmqplibConnection;
  readonly ChannelModel: new (connection: AmqplibConnection) => ChannelModel;
  readonly decodeFrame: (frame: { type: number; channel: number; size: number; payload: Buffer }) => Frame;
}

function loadAmqplib(): Amqplib {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('amqplib'));
  // Its `exports` hide these files; their paths do not.
  const load = (file: string): unknown => require(join(folder, 'lib', file));
  const connection = member(load('connection.js'), 'Connection');
  const model = member(load('channel_model.js'), 'ChannelModel');
  const decodeFrame = member(load('frame.js'), 'decodeFrame');
  if (
    versionOf(folder) !== pinned ||
    !isConnectionClass(connection) ||
    !isModelClass(model) ||
    !isFrameDecoder(decodeFrame)
  )
    throw new FailedError(
      `the RabbitMQ driver needs amqplib ${pinned}, and found ${versionOf(folder) ?? 'another'}`,
      {
        hint: 'install mqctl again; in its source: npm ci',
      },
    );
  return { Connection: connection, ChannelModel: model, decodeFrame };
}

function versionOf(folder: string): string | null {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version = member(manifest, 'version');
  return typeof version === 'string' ? version : null;
}

function member(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return names.every((name) => typeof member(prototype, name) === 'function');
}

function isConnectionClass(value: unknown): value is Amqplib['Connection'] {
  return hasMethods(value, ['open', 'recvFrame', 'acceptLoop', 'sendMethod', 'closeBecause', 'freshChannel']);
}

function isModelClass(value: unknown): value is Amqplib['ChannelModel'] {
  return hasMethods(value, ['createChannel', 'createConfirmChannel', 'close']);
}

function isFrameDecoder(value: unknown): value is Amqplib['decodeFrame'] {
  return typeof value === 'function';
}

const amqplib = loadAmqplib();

const noBytes: Buffer = Buffer.alloc(0);
/** Class, weight and body size stand before the flags in a header frame. */
const propertiesAt = 12;

/** Reads frames without decoding what is in a message: `fields` of a header are its raw properties. */
class ByteConnection extends amqplib.Connection {
  /** Why the broker closes the connection: during the handshake, amqplib drops its words. */
  closing: CloseReason | null = null;
  #unread: Buffer = noBytes;
  #at = 0;

  override recvFrame(): Frame | false {
    if (!this.#fill(frameHeadBytes)) return false;
    const size = this.#unread.readUInt32BE(this.#at + 3);
    if (this.maxFrameSize > 0 && size > this.maxFrameSize)
      throw new Error(`it sent a frame of ${String(size)} bytes`);
    if (!this.#fill(size + frameOverhead)) return false;
    const bytes = this.#unread;
    const at = this.#at;
    const end = at + frameHeadBytes + size;
    if (bytes[end] !== frameEnd) throw new Error('it sent a frame without an end');
    this.#at = end + 1;
    const frame = decode(
      bytes.readUInt8(at),
      bytes.readUInt16BE(at + 1),
      bytes.subarray(at + frameHeadBytes, end),
    );
    if (frame.id === method.connectionClose) this.closing = closeReason(frame.fields);
    return frame;
  }

  /** false: so much has not come yet. */
  #fill(needed: number): boolean {
    while (this.#unread.length - this.#at < needed) {
      const incoming: unknown = this.stream.read();
      if (!Buffer.isBuffer(incoming)) return false;
      this.recvSinceLastCheck = true;
      const rest = this.#unread.subarray(this.#at);
      this.#unread = rest.length === 0 ? incoming : Buffer.concat([rest, incoming]);
      this.#at = 0;
    }
    return true;
  }
}

function closeReason(fields: unknown): CloseReason {
  const code: unknown = member(fields, 'replyCode');
  const words: unknown = member(fields, 'replyText');
  return { code: typeof code === 'number' ? code : 0, words: typeof words === 'string' ? words : '' };
}

function decode(type: number, channel: number, payload: Buffer): Frame {
  if (type === frameType.body) return { channel, content: payload };
  if (type === frameType.header)
    return {
      id: payload.readUInt16BE(0),
      channel,
      size: Number(payload.readBigUInt64BE(4)),
      fields: payload.subarray(propertiesAt),
    };
  if (type === frameType.method) {
    const id = payload.readUInt32BE(0);
    if (id === method.deliver) return { id, channel, fields: decodeDeliver(payload.subarray(4)) };
    if (id === method.getOk) return { id, channel, fields: decodeGetOk(payload.subarray(4)) };
    if (id === method.return) return { id, channel, fields: decodeReturn(payload.subarray(4)) };
  }
  return amqplib.decodeFrame({ type, channel, size: payload.length, payload });
}

// ---------------------------------------------------------------------------------------------------------------------
// The facade

export interface AmqpAddress {
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  /** null: plain TCP. */
  readonly tls: TlsOptions | null;
  readonly login:
    | { readonly mechanism: 'PLAIN'; readonly username: string; readonly password: string }
    | { readonly mechanism: 'EXTERNAL' };
  /** Seconds; 0 asks for none. */
  readonly heartbeat: number;
}

/** A message as it came, its properties undecoded. */
export interface RawDelivery {
  readonly fields: DeliveryFields;
  readonly properties: Buffer;
  readonly content: Buffer;
}

export interface RawReturn {
  readonly fields: ReturnFields;
  readonly properties: Buffer;
  readonly content: Buffer;
}

/** A reply code of AMQP 0-9-1 and the broker's words. */
export interface CloseReason {
  readonly code: number;
  readonly words: string;
}

/** How far connecting came when it failed: the caller knows the words for it. */
export class ConnectFailure extends Error {
  readonly stage: 'reach' | 'tls' | 'login';
  /** The time was over. */
  readonly late: boolean;
  /** What the broker said, where it did. */
  readonly reason: CloseReason | null;

  constructor(
    stage: ConnectFailure['stage'],
    cause: unknown,
    late: boolean,
    reason: CloseReason | null = null,
  ) {
    super(errorText(cause), { cause });
    this.stage = stage;
    this.late = late;
    this.reason = reason;
  }
}

/** A connection that is open. */
export class AmqpConnection {
  readonly model: ChannelModel;
  readonly #connection: ByteConnection;
  readonly #closed = Promise.withResolvers<Error | null>();
  #blocked: string | null = null;
  #error: Error | null = null;
  #ended = false;

  /** Made by `connectAmqp`. */
  constructor(connection: ByteConnection) {
    this.#connection = connection;
    this.model = new amqplib.ChannelModel(connection);
    this.model.on('blocked', (reason: unknown) => {
      this.#blocked = typeof reason === 'string' && reason !== '' ? reason : 'no reason given';
    });
    this.model.on('unblocked', () => (this.#blocked = null));
    this.model.on('error', (error) => (this.#error = error));
    this.model.once('close', (error?: Error) => {
      this.#ended = true;
      this.#error = this.problem ?? error ?? null;
      this.#blocked = null;
      this.#closed.resolve(this.#error);
      // Nothing follows: do not wait for the other side to end a connection that may be dead.
      setTimeout(() => connection.stream.destroy(), 1000).unref();
    });
  }

  /** What the broker says about itself: product, version, cluster_name. */
  get serverProperties(): object {
    return this.#connection.serverProperties;
  }

  /** The largest frame, its overhead included. */
  get frameMax(): number {
    return this.#connection.frameMax;
  }

  /** Why the broker asked not to publish; null when it did not. */
  get blocked(): string | null {
    return this.#blocked;
  }

  /** What went wrong, as soon as that is known. */
  get problem(): Error | null {
    const { closing } = this.#connection;
    return closing === null ? this.#error : new Error(closing.words);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when it ended: with what went wrong, or null when it was closed. */
  get closed(): Promise<Error | null> {
    return this.#closed.promise;
  }

  /** Writes whole frames into a channel. false: wait for its `drain` before more. */
  write(channel: number, frames: Buffer): boolean {
    const buffer = this.#connection.channels[channel]?.buffer;
    if (buffer === undefined) throw new Error('the channel is closed');
    this.#connection.sentSinceLastCheck = true;
    return buffer.write(frames);
  }

  /** Says goodbye; ends the socket without one when no answer comes within `timeoutMs`. Never throws. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.#ended) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, timeoutMs);
      const goodbye = this.model.close().catch(() => undefined);
      await Promise.race([goodbye, this.#closed.promise, late.promise]);
      clearTimeout(timer);
    }
    this.#connection.heartbeater?.clear();
    this.#connection.stream.destroy();
  }
}

/** The number of a channel, which stands in each of its frames. */
export function channelNumber(channel: Channel): number {
  const number: unknown = member(channel, 'ch');
  if (typeof number !== 'number') throw new FailedError('amqplib did not number its channel');
  return number;
}

/** What a channel's consumer is called with; null: the broker cancelled it. */
export function rawDelivery(message: unknown): RawDelivery | null {
  if (message === null) return null;
  if (!isRaw(message)) throw new FailedError('amqplib did not hand over the bytes of a message');
  return message;
}

/** What a channel's `return` event is emitted with. */
export function rawReturn(message: unknown): RawReturn {
  if (!isRawReturn(message)) throw new FailedError('amqplib did not hand over the bytes of a message');
  return message;
}

function isRaw(message: unknown): message is RawDelivery {
  return (
    Buffer.isBuffer(member(message, 'properties')) &&
    typeof member(member(message, 'fields'), 'deliveryTag') === 'number'
  );
}

function isRawReturn(message: unknown): message is RawReturn {
  return (
    Buffer.isBuffer(member(message, 'properties')) &&
    typeof member(member(message, 'fields'), 'replyCode') === 'number'
  );
}

/** Connects and logs in, within `timeoutMs` for all of it. Throws `ConnectFailure`, or the signal's reason. */
export async function connectAmqp(
  address: AmqpAddress,
  name: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<AmqpConnection> {
  signal.throwIfAborted();
  let stage: ConnectFailure['stage'] = 'reach';
  const { host, port } = address;
  const socket =
    address.tls === null ? connectTcp({ host, port }) : connectTls({ host, port, ...address.tls });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const abort = () => {
    failed.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  const timer = setTimeout(() => {
    failed.reject(new ConnectFailure(stage, new Error('no answer'), true));
  }, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  // The first is the cause; later ones would end the process without a listener.
  socket.on('error', (error) => {
    failed.reject(new ConnectFailure(stage, error, false));
  });
  if (address.tls !== null) socket.once('connect', () => (stage = 'tls'));
  try {
    const ready = Promise.withResolvers<void>();
    socket.once(address.tls === null ? 'connect' : 'secureConnect', ready.resolve);
    await Promise.race([ready.promise, failed.promise]);
    stage = 'login';
    socket.setNoDelay(true);
    const connection = new ByteConnection(socket);
    const opened = Promise.withResolvers<void>();
    connection.open(openingFields(address, name), (error) => {
      if (error === null) opened.resolve();
      else opened.reject(new ConnectFailure('login', error, false, connection.closing));
    });
    await Promise.race([opened.promise, failed.promise]);
    return new AmqpConnection(connection);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Answers to `start`, `tune` and `open` (specification, 2.2.4); heartbeat and sizes are what we offer at most. */
function openingFields(address: AmqpAddress, name: string): object {
  const { login } = address;
  const response = login.mechanism === 'PLAIN' ? `\0${login.username}\0${login.password}` : '';
  return {
    clientProperties: {
      product: 'mqctl',
      platform: `Node.js ${process.version}`,
      connection_name: name,
      capabilities: {
        publisher_confirms: true,
        'basic.nack': true,
        consumer_cancel_notify: true,
        'connection.blocked': true,
        authentication_failure_close: true,
      },
    },
    mechanism: login.mechanism,
    response: Buffer.from(response),
    locale: 'en_US',
    channelMax: 0,
    frameMax: 131_072,
    heartbeat: address.heartbeat,
    virtualHost: address.vhost,
    capabilities: '',
    insist: 0,
  };
}
