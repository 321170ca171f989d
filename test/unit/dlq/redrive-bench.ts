/** Redrives on the embedded broker, as it is and as systems that have less: a queue that is only read front to back. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { type PlanRequest, prepareRedrive } from '../../../src/lib/dlq/prepare-redrive.ts';
import type { Prepared } from '../../../src/lib/dlq/prepared.ts';
import { type RedriveResult, runRedrive } from '../../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../../src/lib/dlq/reopen-redrive.ts';
import type { RunOptions } from '../../../src/lib/dlq/run-options.ts';
import type { Selection } from '../../../src/lib/dlq/select.ts';
import type { DeadLetterSource } from '../../../src/lib/dlq/source.ts';
import { declaration } from '../../../src/lib/drivers/local/declaration.ts';
import type { Claiming, Driver, Outcome } from '../../../src/lib/drivers/driver.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { JobStore } from '../../../src/lib/store/jobs.ts';
import { Bench, unaborted } from '../drivers/local/bench.ts';
import { FakeClock } from './fake-clock.ts';

export class RedriveBench extends Bench {
  readonly jobs: JobStore;
  readonly clock = new FakeClock();
  readonly notes: string[] = [];

  private constructor(driver: Driver, path: string) {
    super(driver, path);
    this.jobs = new JobStore(join(path, '..', 'state'));
  }

  /** With `orders` and, for its dead letters, `orders.dlq`. */
  static async begin(context: TestContext): Promise<RedriveBench> {
    const { driver, path } = await Bench.start(context);
    const bench = new RedriveBench(driver, path);
    await bench.create('orders.dlq', { partitions: 2 });
    await bench.create('orders', { partitions: 3, deadLetter: 'orders.dlq' });
    return bench;
  }

  get source(): DeadLetterSource {
    return { driver: this.driver, declaration };
  }

  /** The same, as a system whose moves are two steps. */
  get inTwoSteps(): DeadLetterSource {
    return { driver: changed(this.driver, { atomicMove: undefined }), declaration };
  }

  /** As a queue: messages have no names, are read front to back, and settling has no answer. */
  get queue(): DeadLetterSource {
    const { claim, look } = this.driver;
    const driver = changed(this.driver, {
      atomicMove: undefined,
      look: look && {
        appraise: (channel, signal) => look.appraise(channel, signal),
        open: async (request, signal) => {
          const looking = await look.open(request, signal);
          return { ...looking, report: () => looking.report(), batches: unnamedBatches(looking.batches) };
        },
      },
      claim: claim && { open: async (request, signal) => asQueue(await claim.open(request, signal)) },
    });
    const traits = declaration.facets.claim;
    return {
      driver,
      declaration: {
        ...declaration,
        facets: {
          ...declaration.facets,
          ...(traits && { claim: { ...traits, select: false, answer: 'sent' } }),
        },
      },
    };
  }

  prepare(change: Partial<PlanRequest & Selection> = {}, source = this.source): Promise<Prepared> {
    const { keep, ids, causes, limit, decide, messages, ...request } = change;
    const everything = keep === undefined && ids === undefined && causes === undefined;
    return prepareRedrive(
      source,
      this.jobs,
      {
        channel: 'orders.dlq',
        to: null,
        keepHeaders: 'none',
        maxRedrives: 3,
        treatAsNew: false,
        context: 'test',
        reason: null,
        ...request,
        selection: {
          keep: keep ?? (() => true),
          ids: ids ?? null,
          causes: causes ?? null,
          limit: limit ?? null,
          everything,
          equalOnesAlike: (limit ?? null) === null && (ids ?? null) === null && decide === undefined,
          ...(decide && { decide }),
          ...(messages && { messages }),
        },
      },
      unaborted,
    );
  }

  run(
    prepared: Prepared,
    change: Partial<RunOptions> & { signal?: AbortSignal } = {},
    source = this.source,
  ): Promise<RedriveResult> {
    return runRedrive(
      source,
      this.jobs,
      prepared,
      {
        ratePerSecond: null,
        inFlight: 100,
        canary: false,
        canaryWaitMs: null,
        takeOver: false,
        clock: this.clock,
        onProgress: () => undefined,
        onNote: (text) => this.notes.push(text),
        ...change,
      },
      change.signal ?? unaborted,
    );
  }

  async resume(source = this.source): Promise<RedriveResult> {
    return this.run(await reopenRedrive(source, this.jobs, 'last', 'orders.dlq'), {}, source);
  }
}

/** A driver with some facets replaced; all else is the driver's own. */
export function changed(
  driver: Driver,
  facets: { readonly [Name in keyof Driver]?: Driver[Name] | undefined },
): Driver {
  const own = new Map<string | symbol, unknown>(Object.entries(facets));
  return new Proxy(driver, {
    get(target, name) {
      if (own.has(name)) return own.get(name);
      const value: unknown = Reflect.get(target, name);
      const bound: unknown = typeof value === 'function' ? value.bind(target) : value;
      return bound;
    },
  });
}

/** The driver, whose publishers' answers go through `answer`. */
export function answering(
  driver: Driver,
  answer: (outcomes: readonly Outcome[]) => readonly Outcome[],
): Driver {
  const { publish } = driver;
  return changed(driver, {
    publish: publish && {
      limits: (channel, signal) => publish.limits(channel, signal),
      open: async (request, signal) => {
        const publisher = await publish.open(request, signal);
        return {
          send: async (messages) => answer(await publisher.send(messages)),
          commit: () => publisher.commit(),
          abort: () => publisher.abort(),
          get blocked() {
            return publisher.blocked;
          },
          close: () => publisher.close(),
        };
      },
    },
  });
}

function unnamed(message: Message): Message {
  return { ...message, partition: null, offset: null, id: null };
}

async function* unnamedBatches(
  batches: AsyncIterable<readonly Message[]>,
): AsyncGenerator<readonly Message[]> {
  for await (const batch of batches) yield batch.map(unnamed);
}

function asQueue(claiming: Claiming): Claiming {
  return {
    batches: (async function* () {
      for await (const batch of claiming.batches)
        yield batch.kind === 'claimed'
          ? {
              ...batch,
              items: batch.items.map(({ claim, message }) => ({ claim, message: unnamed(message) })),
            }
          : batch;
    })(),
    settle: async (claims) =>
      (await claiming.settle(claims)).map((each) => (each === 'settled' ? 'sent' : each)),
    release: (claims) => claiming.release(claims),
    extend: (claims) => claiming.extend(claims),
    close: () => claiming.close(),
  };
}
