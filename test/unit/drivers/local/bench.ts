/** What the tests of the embedded broker work with: a file of their own, and short words for what they do. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  Admin,
  Backlog,
  Claim,
  ClaimBatch,
  Claimed,
  Claiming,
  ClaimRequest,
  Connection,
  CreateRequest,
  DeliveryGuarantee,
  Driver,
  GroupBacklog,
  Look,
  LookRequest,
  MessageReference,
  Outcome,
  Publish,
} from '../../../../src/lib/drivers/driver.ts';
import { open } from '../../../../src/lib/drivers/local/index.ts';
import type { Message, OutgoingMessage } from '../../../../src/lib/message/message.ts';
import type { Position } from '../../../../src/lib/message/position.ts';

export const unaborted = new AbortController().signal;

export function connectionTo(url: string): Connection {
  return {
    url,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings: {},
  };
}

export async function openLocal(url: string, stateFolder = tmpdir(), timeoutMs = 10_000): Promise<Driver> {
  return open(connectionTo(url), { log: () => undefined, timeoutMs, signal: unaborted, stateFolder });
}

/** A folder that is removed when the test is over. */
export async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-local-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const at = (position: Position): { readonly every: Position } => ({ every: position });
export const fromStart = at({ kind: 'start', shift: 0n });

export function message(value: string | null, change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    key: null,
    value: value === null ? null : Buffer.from(value),
    headers: [],
    properties: {},
    partition: null,
    timestamp: null,
    ...change,
  };
}

export function numbered(count: number, change: Partial<OutgoingMessage> = {}): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`m${index}`, change));
}

export function textOf({ value }: OutgoingMessage): string {
  return value === null ? 'null' : Buffer.from(value).toString();
}

function there<T>(facet: T | undefined): T {
  assert.ok(facet !== undefined);
  return facet;
}

/** A driver at a file of its own. */
export class Bench {
  readonly driver: Driver;
  readonly path: string;
  readonly admin: Admin;
  readonly publishing: Publish;
  readonly looks: Look;
  readonly claims: Claim;
  readonly backlogs: Backlog;

  constructor(driver: Driver, path: string) {
    this.driver = driver;
    this.path = path;
    this.admin = there(driver.admin);
    this.publishing = there(driver.publish);
    this.looks = there(driver.look);
    this.claims = there(driver.claim);
    this.backlogs = there(driver.backlog);
  }

  static async start(context: TestContext): Promise<Bench> {
    const path = join(await folderFor(context), 'test.db');
    const driver = await openLocal(`local:${path}`);
    context.after(() => driver.close());
    return new Bench(driver, path);
  }

  create(channel: string, change: Partial<CreateRequest> = {}): Promise<void> {
    return this.admin.create(
      { channel, type: null, partitions: null, settings: {}, deadLetter: null, ...change },
      unaborted,
    );
  }

  async send(
    channel: string,
    messages: readonly OutgoingMessage[],
    delivery: DeliveryGuarantee = 'at-least-once',
  ): Promise<readonly Outcome[]> {
    const publisher = await this.publishing.open({ channel, delivery, compression: null }, unaborted);
    try {
      return await publisher.send(messages);
    } finally {
      await publisher.close();
    }
  }

  /** All must be accepted. */
  async fill(channel: string, messages: readonly OutgoingMessage[]): Promise<void> {
    const outcomes = await this.send(channel, messages);
    assert.deepEqual([...new Set(outcomes.map(({ status }) => status))], ['accepted']);
  }

  async read(channel: string, change: Partial<LookRequest> = {}): Promise<Message[]> {
    const request = {
      channel,
      from: fromStart,
      until: null,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
      ...change,
    };
    const messages: Message[] = [];
    for await (const batch of (await this.looks.open(request, unaborted)).batches) messages.push(...batch);
    return messages;
  }

  claiming(channel: string, change: Partial<ClaimRequest> = {}, signal = unaborted): Promise<Claiming> {
    return this.claims.open(
      {
        channel,
        group: 'g',
        from: null,
        select: null,
        follow: false,
        window: 1_000,
        leaseMs: null,
        ...change,
      },
      signal,
    );
  }

  /** Takes all that it can get and gives it back. The texts, in the order in which they came. */
  async takeAndRelease(channel: string, change: Partial<ClaimRequest> = {}): Promise<string[]> {
    const claiming = await this.claiming(channel, change);
    const items = await allClaimed(claiming);
    await claiming.release(items.map(({ claim }) => claim));
    await claiming.close();
    return items.map((item) => textOf(item.message));
  }

  async backlogOf(channel: string, group: string | null): Promise<GroupBacklog> {
    const entries = await this.backlogs.read({ groups: null, channels: [channel] }, unaborted);
    const found = entries.find((entry) => entry.group === group);
    assert.ok(found !== undefined, `no backlog of ${String(group)} in ${channel}`);
    return found;
  }
}

/** Claims until the driver says that there is no more. */
export async function allClaimed(claiming: Claiming): Promise<Claimed[]> {
  const items: Claimed[] = [];
  for await (const batch of claiming.batches) if (batch.kind === 'claimed') items.push(...batch.items);
  return items;
}

/** The next batch, where there must be one. */
export async function nextOf(batches: AsyncIterator<ClaimBatch, unknown>): Promise<ClaimBatch> {
  const step = await batches.next();
  assert.ok(step.done !== true, 'there is no further batch');
  return step.value;
}

export function textsOf(items: readonly Claimed[]): string[] {
  return items.map(({ message: claimed }) => textOf(claimed));
}

export const claimsOf = (items: readonly Claimed[]): string[] => items.map(({ claim }) => claim);

export async function* references(...offsets: string[]): AsyncGenerator<MessageReference> {
  for (const offset of offsets) yield { partition: '0', offset, id: null };
}
