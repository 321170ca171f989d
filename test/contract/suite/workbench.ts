/** What a case works with: a driver at the real server, fresh channels, and short words for what cases do. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ClaimRequest,
  Claiming,
  Connection,
  CreateRequest,
  DeliveryGuarantee,
  Driver,
  FacetName,
  FacetTraits,
  Looking,
  LookRequest,
  Publisher,
} from '../../../src/lib/drivers/driver.ts';
import type { Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import type { Position } from '../../../src/lib/message/position.ts';
import { startCuttingProxy } from '../../brokers/cutting-proxy.ts';
import type { CuttingProxy } from '../../brokers/cutting-proxy.ts';
import type { Column } from './column.ts';
import { Taking } from './taking.ts';

type DriverFacet = FacetName & keyof Driver;

export const from = (position: Position) => ({ every: position });
export const start = from({ kind: 'start', shift: 0n });
export const end = from({ kind: 'end', shift: 0n });

export class Workbench {
  readonly column: Column;
  readonly driver: Driver;
  /** Of the whole case. */
  readonly signal: AbortSignal;
  readonly #stateFolder: string;
  /** Undone last to first when the case is over. */
  readonly #undo: (() => Promise<unknown>)[] = [];

  private constructor(column: Column, driver: Driver, signal: AbortSignal, stateFolder: string) {
    this.column = column;
    this.driver = driver;
    this.signal = signal;
    this.#stateFolder = stateFolder;
  }

  /** Runs a case, then closes and deletes everything that it made. Fails where something still keeps the process alive. */
  static async run(
    column: Column,
    signal: AbortSignal,
    work: (bench: Workbench) => Promise<void>,
  ): Promise<void> {
    const before = openResources();
    const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-contract-'));
    try {
      const driver = await connect(column, column.system.connection(), signal, stateFolder);
      const bench = new Workbench(column, driver, signal, stateFolder);
      try {
        await work(bench);
      } finally {
        for (const undo of bench.#undo.reverse()) await undo();
        await driver.close();
      }
    } finally {
      await rm(stateFolder, { recursive: true, force: true });
    }
    await eventually(() => assert.deepEqual(openResources(), before, 'something is still open after close'));
  }

  /** The facet of the driver; cases name it in their needs. */
  facet<Name extends DriverFacet>(name: Name): NonNullable<Driver[Name]> {
    const facet = this.driver[name];
    assert.ok(facet !== undefined && facet !== null, `${name} is declared and not there`);
    return facet;
  }

  /** What is declared of a facet, for this kind of channel. */
  traits<Name extends FacetName>(name: Name): FacetTraits[Name] {
    const traits: FacetTraits[Name] | undefined = this.column.facets[name];
    assert.ok(traits !== undefined, `${name} is not declared`);
    return traits;
  }

  /** Another driver: at the server, or where `connection` says. Closed when the case is over. */
  async open(connection: Connection = this.column.system.connection(), timeoutMs = 10_000): Promise<Driver> {
    const driver = await connect(this.column, connection, this.signal, this.#stateFolder, timeoutMs);
    this.later(() => driver.close());
    return driver;
  }

  /** A driver behind a proxy that can be cut. Its own time-out is short. */
  async openThroughProxy(): Promise<{ readonly driver: Driver; readonly proxy: CuttingProxy }> {
    const { network } = this.column.system;
    assert.ok(network !== null);
    const proxy = await startCuttingProxy(network);
    this.later(() => proxy.close());
    return { driver: await this.open(network.through(proxy.port), 2_000), proxy };
  }

  /** To be done when the case is over, last to first. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Channels

  name(prefix = 'contract'): string {
    const { namePrefix = '', nameSuffix = '' } = this.column.channel;
    return `${namePrefix}${prefix}-${randomUUID()}${nameSuffix}`;
  }

  /** So many, or as many of one order as a look can see. */
  several(count: number): number {
    return Math.min(count, this.column.facets.look?.groupDepth ?? count);
  }

  /** To be compared with another such list: as it is where an order is kept, else sorted. */
  inOrder(texts: readonly string[]): readonly string[] {
    return this.column.facets.publish?.orderUnit === 'none' ? texts.toSorted() : texts;
  }

  /** A fresh channel of this column's type with one partition, deleted when the case is over. */
  async channel(change: Partial<CreateRequest> = {}): Promise<string> {
    const admin = this.facet('admin');
    const request = {
      channel: this.name(),
      type: this.column.channel.type,
      partitions: this.traits('admin').partitions ? 1 : null,
      settings: {},
      deadLetter: null,
      ...change,
    };
    await admin.create(request, this.signal);
    this.later(() => admin.delete(request.channel, this.signal).catch(() => undefined));
    return request.channel;
  }

  /** A fresh channel with these messages in it. */
  async filled(messages: readonly OutgoingMessage[], change: Partial<CreateRequest> = {}): Promise<string> {
    const channel = await this.channel(change);
    await this.publish(channel, messages);
    return channel;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Publish

  async publisher(channel: string, delivery?: DeliveryGuarantee, driver = this.driver): Promise<Publisher> {
    assert.ok(driver.publish !== undefined);
    const { deliveries } = this.traits('publish');
    const chosen = delivery ?? deliveries.find((one) => one === 'at-least-once') ?? deliveries[0];
    assert.ok(chosen !== undefined);
    return driver.publish.open({ channel, delivery: chosen, compression: null }, this.signal);
  }

  /** Every message must be accepted. */
  async publish(channel: string, messages: readonly OutgoingMessage[]): Promise<void> {
    const publisher = await this.publisher(channel);
    try {
      const outcomes = await publisher.send(messages);
      assert.deepEqual(
        outcomes.filter(({ status }) => status !== 'accepted'),
        [],
      );
      assert.equal(outcomes.length, messages.length, 'one outcome for each message');
    } finally {
      await publisher.close();
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Look

  looking(
    channel: string,
    change: Partial<LookRequest> = {},
    signal = this.signal,
    driver = this.driver,
  ): Promise<Looking> {
    assert.ok(driver.look !== undefined);
    const free = this.traits('look').costs.every((cost) => cost === 'free');
    const request = {
      channel,
      from: start,
      until: null,
      follow: false,
      partitions: null,
      limit: free ? null : 10_000,
      uncommitted: false,
      ...change,
    };
    return driver.look.open(request, signal);
  }

  /** All that a look shows. */
  async read(channel: string, change: Partial<LookRequest> = {}): Promise<Message[]> {
    const { batches } = await this.looking(channel, change);
    const messages: Message[] = [];
    for await (const batch of batches) messages.push(...batch);
    return messages;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Claim

  /** Claims for `group`, where this system's claims have one; null is the channel itself. */
  async claiming(
    channel: string,
    change: Partial<ClaimRequest> = {},
    signal = this.signal,
    driver = this.driver,
  ): Promise<Taking> {
    assert.ok(driver.claim !== undefined);
    const own = this.traits('claim').group === 'required' ? this.name('group') : null;
    const group = change.group === undefined ? own : change.group;
    const request = {
      channel,
      group,
      // The channel itself is taken from its start: there is nothing else to begin at.
      from: group === null ? null : start,
      select: null,
      follow: false,
      window: 100,
      leaseMs: null,
      ...change,
    };
    const claiming: Claiming = await driver.claim.open(request, signal);
    const taking = new Taking(claiming);
    this.later(() => taking.close().catch(() => undefined));
    return taking;
  }
}

async function connect(
  { system }: Column,
  connection: Connection,
  signal: AbortSignal,
  stateFolder: string,
  timeoutMs = 10_000,
): Promise<Driver> {
  return system.open(connection, { log: () => undefined, timeoutMs, signal, stateFolder });
}

/** What keeps a process alive: sockets and timers. */
export function openResources(): Record<string, number> {
  // Node opens these two when they are first looked at, and every pipe of a stream looks at them.
  assert.notEqual(process.stdout, process.stderr);
  const watched = ['TCPSocketWrap', 'TLSWrap', 'PipeWrap', 'TCPServerWrap', 'GetAddrInfoReqWrap', 'Worker'];
  const open = process.getActiveResourcesInfo();
  return Object.fromEntries(watched.map((name) => [name, open.filter((one) => one === name).length]));
}

/** Until it holds, for what a server says a little later than it is true. Throws what it threw last. */
export async function eventually(check: () => void | Promise<void>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
