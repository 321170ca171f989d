/**
 * The primitive types of Kafka's protocol, read and written as the protocol guide ("Protocol Primitive Types") and
 * KIP-482 (flexible versions: compact lengths and tagged fields) say. kafkajs' own encoder and decoder know no
 * flexible versions.
 *
 * All that is read comes from outside: a length that passes the end of the bytes throws `MalformedError`.
 */

/** The bytes are not what the protocol says. Caught in the driver, which knows whose answer it was. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedError';
  }
}

const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

export class ProtocolReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #flexible: boolean;
  #at = 0;

  /** `flexible`: whether `text`, `list` and `tags` are those of a flexible version. */
  constructor(bytes: Uint8Array, flexible = false) {
    this.#bytes = bytes;
    this.#flexible = flexible;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** UNSIGNED_VARINT: at most 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new MalformedError('a varint of more than 32 bits');
  }

  /** VARINT: zigzag, 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** VARLONG: zigzag, 64 bits. */
  varlong(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#view.getUint8(this.#take(1));
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new MalformedError('a varint of more than 64 bits');
  }

  /** UUID as the bytes' 22 characters of unpadded base64url, the way Kafka prints topic ids. */
  uuid(): string {
    return Buffer.from(this.bytes(16)).toString('base64url');
  }

  /** A view on the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    return present(this.nullableString());
  }

  nullableString(): string | null {
    return this.#text(this.int16());
  }

  compactString(): string {
    return present(this.compactNullableString());
  }

  compactNullableString(): string | null {
    return this.#text(this.uvarint() - 1);
  }

  nullableBytes(): Uint8Array | null {
    const length = this.int32();
    return length < 0 ? null : this.bytes(length);
  }

  compactNullableBytes(): Uint8Array | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.bytes(length);
  }

  /** Null is read as empty: where the difference matters, use `nullableArray`. */
  array<Item>(item: (reader: ProtocolReader) => Item): Item[] {
    return this.#items(this.int32(), item) ?? [];
  }

  nullableArray<Item>(item: (reader: ProtocolReader) => Item): Item[] | null {
    return this.#items(this.int32(), item);
  }

  compactArray<Item>(item: (reader: ProtocolReader) => Item): Item[] {
    return this.compactNullableArray(item) ?? [];
  }

  compactNullableArray<Item>(item: (reader: ProtocolReader) => Item): Item[] | null {
    return this.#items(this.uvarint() - 1, item);
  }

  /** Fields of a later version that this client does not know. */
  skipTaggedFields(): void {
    this.taggedFields(() => undefined);
  }

  /** Calls `field` with each tag and a reader of its bytes. */
  taggedFields(field: (tag: number, reader: ProtocolReader) => void): void {
    const count = this.uvarint();
    for (let index = 0; index < count; index++) {
      const tag = this.uvarint();
      field(tag, new ProtocolReader(this.bytes(this.uvarint())));
    }
  }

  // For messages of more than one version: compact from the message's first flexible version on, classic before.

  text(): string {
    return present(this.nullableText());
  }

  nullableText(): string | null {
    return this.#flexible ? this.compactNullableString() : this.nullableString();
  }

  nullableBlob(): Uint8Array | null {
    return this.#flexible ? this.compactNullableBytes() : this.nullableBytes();
  }

  /** Null is read as empty. */
  list<Item>(item: (reader: ProtocolReader) => Item): Item[] {
    return this.#flexible ? this.compactArray(item) : this.array(item);
  }

  /** The tagged fields at the end of a structure, skipped; nothing before flexible versions. */
  tags(): void {
    if (this.#flexible) this.skipTaggedFields();
  }

  #items<Item>(count: number, item: (reader: ProtocolReader) => Item): Item[] | null {
    if (count < 0) return null;
    // Every item has a byte at least: a larger count is a lie that would fill the memory.
    if (count > this.remaining)
      throw new MalformedError(`an array of ${String(count)} items in too few bytes`);
    const items: Item[] = [];
    for (let index = 0; index < count; index++) items.push(item(this));
    return items;
  }

  #text(length: number): string | null {
    return length < 0 ? null : utf8.decode(this.bytes(length));
  }

  #take(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#bytes.length)
      throw new MalformedError(`${String(length)} bytes wanted, ${String(this.remaining)} left`);
    this.#at = start + length;
    return start;
  }
}

function present(text: string | null): string {
  if (text === null) throw new MalformedError('null where the protocol has a string');
  return text;
}

/** Grows as needed; each call returns the writer, so that a request reads like its definition. */
export class ProtocolWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  readonly #flexible: boolean;
  #length = 0;

  /** `flexible`: whether `text`, `list` and `tags` are those of a flexible version. */
  constructor(flexible = false, capacity = 256) {
    this.#flexible = flexible;
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written: a view, valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int8(value: number): this {
    const at = this.#grow(1);
    this.#view.setInt8(at, value);
    return this;
  }

  int16(value: number): this {
    const at = this.#grow(2);
    this.#view.setInt16(at, value);
    return this;
  }

  int32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  int64(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value);
    return this;
  }

  float64(value: number): this {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.int8((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.int8(rest);
  }

  varint(value: number): this {
    return this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  varlong(value: bigint): this {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (rest > 0x7fn) {
      this.int8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    return this.int8(Number(rest));
  }

  /** As `ProtocolReader.uuid` reads it. */
  uuid(value: string): this {
    const bytes = Buffer.from(value, 'base64url');
    if (bytes.length !== 16) throw new RangeError(`not a uuid: ${value}`);
    return this.bytes(bytes);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  string(value: string): this {
    return this.nullableString(value);
  }

  nullableString(value: string | null): this {
    if (value === null) return this.int16(-1);
    const text = toUtf8.encode(value);
    if (text.length > 0x7fff) throw new RangeError('a text longer than 32,767 bytes');
    return this.int16(text.length).bytes(text);
  }

  compactString(value: string): this {
    return this.compactNullableString(value);
  }

  compactNullableString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const text = toUtf8.encode(value);
    return this.uvarint(text.length + 1).bytes(text);
  }

  nullableBytes(value: Uint8Array | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).bytes(value);
  }

  array<Item>(items: readonly Item[] | null, item: (writer: this, value: Item) => void): this {
    this.int32(items === null ? -1 : items.length);
    for (const value of items ?? []) item(this, value);
    return this;
  }

  compactArray<Item>(items: readonly Item[] | null, item: (writer: this, value: Item) => void): this {
    this.uvarint(items === null ? 0 : items.length + 1);
    for (const value of items ?? []) item(this, value);
    return this;
  }

  /** We send none. */
  noTaggedFields(): this {
    return this.uvarint(0);
  }

  // For messages of more than one version: compact from the message's first flexible version on, classic before.

  text(value: string): this {
    return this.nullableText(value);
  }

  nullableText(value: string | null): this {
    return this.#flexible ? this.compactNullableString(value) : this.nullableString(value);
  }

  list<Item>(items: readonly Item[] | null, item: (writer: this, value: Item) => void): this {
    return this.#flexible ? this.compactArray(items, item) : this.array(items, item);
  }

  /** The end of a structure: no tagged fields; nothing before flexible versions. */
  tags(): this {
    return this.#flexible ? this.noTaggedFields() : this;
  }

  #grow(by: number): number {
    const at = this.#length;
    const needed = at + by;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}
