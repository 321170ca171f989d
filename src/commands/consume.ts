import { Args } from '@oclif/core';
import { BaseCommand, type Connected } from '../lib/base.ts';
import { consumeFlags, defaultBackoff, defaultMaxAttempts } from '../lib/consume-flags.ts';
import type { DriverWith, PublishTraits } from '../lib/drivers/driver.ts';
import { AnswerIsNoError, UsageError } from '../lib/errors.ts';
import { parsePositions } from '../lib/message/position-grammar.ts';
import type { Positions } from '../lib/message/position.ts';
import { agreeToLooks } from '../lib/operations/agree-to-looks.ts';
import { checkTaking } from '../lib/operations/check-taking.ts';
import {
  lookAt,
  take,
  type LookOptions,
  type ReadOptions,
  type ReadResult,
  type TakeOptions,
} from '../lib/operations/consume.ts';
import type { DecodeMessages } from '../lib/operations/decode-messages.ts';
import { refuseGroupWithMembers } from '../lib/operations/guard-group.ts';
import { lookAtLast } from '../lib/operations/look-at-last.ts';
import { registryDecoder } from '../lib/operations/registry-decoder.ts';
import { whereRejected } from '../lib/operations/where-rejected.ts';
import { lookCostText } from '../lib/output/look-cost.ts';
import { parseMessageFormat } from '../lib/output/message-format.ts';
import { makeMessageWriter, type MessageWriter } from '../lib/output/message-writer.ts';
import { passTalkThrough, passThrough } from '../lib/output/pass-through.ts';
import { countOf, countText } from '../lib/output/time.ts';
import { handledText, takenText } from '../lib/views/consume/words.ts';

/** On a terminal a look stops here and says how to go on. */
const terminalLimit = 1_000;

type Reading = Omit<ReadOptions, 'deliver'>;

interface Range {
  readonly from: Positions | null;
  readonly until: Positions | null;
}

export default class Consume extends BaseCommand<typeof Consume> {
  static override strict = false;
  static override summary = 'Look at messages, or take them';
  static override description = `Looks by default: nothing is committed, acknowledged or moved. --ack and --group take, and settle exactly what was written out.

Without a range it reads from the start to the end as it is now, then stops; --follow alone starts at the end. Where a look costs something (a RabbitMQ queue counts a delivery), it takes 10 unless --limit says more, and says what it cost.

--filter is CEL over value (decoded JSON, else text), raw, key, headers, properties, partition, offset, timestamp, delivery, deadLetter. The same in jq: --filter 'value.total > 500' is jq 'select((.value|fromjson).total > 500)'. A message without the field does not match.

--exec runs CMD by sh for each message, one after the other: the value on stdin; MQCTL_CHANNEL, _PARTITION, _OFFSET, _ID, _KEY, _TIMESTAMP, _HEADERS (JSON), _ATTEMPT and others in the environment. Exit 0 settles it. Anything else is tried again after a random part of --backoff; after --max-attempts the message goes to --dead-letter with the cause, the origin and the end of CMD's stderr, and only then is it settled. Three given up in a row pause it for 30 s, then one is tried, again after a minute; the third time it ends, exit 6, so that a service that is down does not empty the queue into the dead letters. Exit 126 and 127 (cannot be run) end the consuming at once. Ctrl-C finishes the message, a second one kills CMD.`;
  static override examples = [
    { description: 'The last ten', command: '<%= config.bin %> consume orders --last 10' },
    {
      description: 'Everything of the last hour that is expensive',
      command: "<%= config.bin %> consume orders --from @-1h --filter 'value.total > 500'",
    },
    { description: 'Follow, values only', command: '<%= config.bin %> consume orders --follow -o value' },
    {
      description: 'A lossless copy to a file, and back',
      command:
        '<%= config.bin %> consume orders -o ndjson > orders.ndjson && <%= config.bin %> produce other --format ndjson < orders.ndjson',
    },
    {
      description: 'Fail a pipeline unless three came within a minute',
      command: '<%= config.bin %> consume orders --follow --for 1m --limit 3 --require 3',
    },
    {
      description: 'A script as a consumer: three attempts, then a dead letter',
      command:
        "<%= config.bin %> consume orders --group billing --follow --exec './bill.sh' --dead-letter orders.dlq",
    },
  ];
  static override args = {
    channel: Args.string({ required: true, ignoreStdin: true, description: 'one or more channels' }),
  };
  static override flags = consumeFlags;

  async run(): Promise<void> {
    const { flags } = this;
    const format = parseMessageFormat(flags.output ?? (this.output.data.isTerminal ? 'pretty' : 'ndjson'));
    const write = makeMessageWriter(this.output, format);
    const range = this.#range();
    const takes = flags.ack || flags.group !== undefined;
    if (flags.exec !== undefined && !takes)
      throw new UsageError('--exec settles what it handled, so it has to be said how messages are taken', {
        hint: 'say --group NAME, or --ack to take from the channel itself',
      });
    const reading = await this.#reading();
    const result =
      flags.exec !== undefined
        ? await this.#exec(reading, flags.exec, range.from)
        : takes
          ? await this.#take(reading, write, range.from)
          : await this.#look(reading, write, range);
    await this.output.data.flush();
    this.signal.throwIfAborted();
    this.#answer(result);
  }

  #range(): Range {
    const { from, until, last } = this.flags;
    const begin: Positions | null =
      last === undefined ? null : { every: { kind: 'end', shift: -BigInt(last) } };
    return {
      from: from === undefined ? begin : parsePositions(from),
      until: until === undefined ? null : parsePositions(until),
    };
  }

  /** What is read, and when that ends. */
  async #reading(): Promise<Reading> {
    const { flags } = this;
    const { createFilter } = await import('../lib/filter/filter.ts');
    return {
      channels: [...new Set(this.words)],
      keep: await createFilter({
        filter: flags.filter ?? null,
        grep: flags.grep ?? null,
        key: flags.key ?? null,
        headers: flags.header ?? [],
      }),
      decode: await this.#decoder(),
      partitions: flags.partition ?? null,
      follow: flags.follow,
      limit: flags.forbid ? 1 : (flags.limit ?? null),
      forMs: flags.for ?? null,
      idleMs: flags['idle-timeout'] ?? null,
    };
  }

  /** Of what `--decode` says: auto asks the registry, none nobody. */
  async #decoder(): Promise<DecodeMessages | null> {
    const { flags } = this;
    if (flags.decode === 'none') return null;
    if (flags.decode === 'json') {
      const { jsonDecoder } = await import('../lib/operations/decode-messages.ts');
      return jsonDecoder;
    }
    const place = await this.registryPlace(flags.registry);
    return registryDecoder(place, (text) => this.output.warn(text), this.signal);
  }

  async #look(reading: Reading, write: MessageWriter, { from, until }: Range): Promise<ReadResult> {
    const { flags, output } = this;
    const { driver, context } = await this.connect({ verb: 'consume', needs: ['look'], changes: false });
    const terms = {
      follow: reading.follow,
      wanted: flags.limit ?? flags.last ?? null,
      context,
      acceptCost: flags['accept-cost'],
      agree: (question: string) => this.confirm(question, { yes: flags.yes }),
      viaQueue: flags['via-queue'],
    };
    const { takeAtMost, costly } = await agreeToLooks(driver.look, reading.channels, terms, this.signal);
    const options: LookOptions = {
      ...reading,
      from: from ?? { every: { kind: reading.follow ? 'end' : 'start', shift: 0n } },
      until,
      uncommitted: flags.uncommitted,
      takeAtMost,
      deliver: write,
      onReport: (channel, report) => {
        const appraisal = costly.get(channel);
        if (appraisal !== undefined) output.note(lookCostText({ ...appraisal, ...report }));
      },
    };
    if (flags.last !== undefined) return lookAtLast(driver.look, flags.last, options, this.signal);
    const stopsForPerson = output.data.isTerminal && reading.limit === null && !reading.follow;
    const limit = stopsForPerson ? terminalLimit : reading.limit;
    const result = await lookAt(driver.look, { ...options, limit }, this.signal);
    if (stopsForPerson && result.endedBy === 'limit')
      output.note(
        `stopped after ${countText(terminalLimit)}: --limit N shows more, --from goes on, a pipe gets everything`,
      );
    return result;
  }

  async #take(reading: Reading, write: MessageWriter, from: Positions | null): Promise<ReadResult> {
    const { driver, taking } = await this.#openToTake(
      this.flags.group === undefined ? 'consume --ack' : 'consume --group',
    );
    const result = await take(
      driver.claim,
      {
        ...reading,
        ...taking,
        from,
        window: this.#window(reading.limit, this.flags.prefetch),
        together: Number.POSITIVE_INFINITY,
        deliver: async (messages) => {
          await write(messages);
          await this.output.data.flush(); // only what has left may be settled
        },
      },
      this.signal,
    );
    this.output.note(takenText(result));
    return result;
  }

  /** The command line of `--exec` is the consumer. */
  async #exec(reading: Reading, command: string, from: Positions | null): Promise<ReadResult> {
    const { flags, output } = this;
    const maxAttempts = flags['max-attempts'] ?? defaultMaxAttempts;
    if (maxAttempts === 0) throw new UsageError('--max-attempts is at least 1');
    const { parseBackoff } = await import('../lib/dlq/backoff.ts');
    const backoff = parseBackoff(flags.backoff ?? defaultBackoff);
    const deadLetter = flags['dead-letter'] ?? null;
    if (deadLetter !== null && reading.channels.includes(deadLetter))
      throw new UsageError(`"${deadLetter}" cannot take its own dead letters`);
    const { driver, context, taking, headerKind } = await this.#openToTake('consume --exec');
    if (flags.reject) {
      const places = await whereRejected(driver, reading.channels, taking.group, this.signal);
      for (const to of places.values())
        output.note(`what is given up is rejected, and then a dead letter in "${to}"`);
    }
    // Nothing waits here that another could handle.
    const window = this.#window(reading.limit, this.#filtered ? flags.prefetch : 1);
    const { consumeByCommand } = await import('../lib/dlq/consume-by-command.ts');
    const result = await consumeByCommand(
      driver,
      { ...reading, ...taking, from, window },
      {
        command,
        input: flags['exec-input'] ?? 'value',
        environment: await this.childEnvironment(context),
        timeoutMs: flags['exec-timeout'] ?? null,
        maxAttempts,
        backoff,
        deadLetter,
        headerKind,
        rejects: flags.reject,
        withoutBreaker: flags['no-breaker'],
        onOutput: passThrough(output.data),
        onErrorOutput: passTalkThrough(output.talk),
        onNote: (text) => output.note(text),
        flush: () => output.data.flush(),
      },
      this.signal,
    );
    output.note(handledText(result, { deadLetter, rejects: flags.reject }));
    return result;
  }

  async #openToTake(verb: string): Promise<{
    readonly driver: DriverWith<'claim'>;
    readonly context: Connected<'claim'>['context'];
    readonly taking: Pick<TakeOptions, 'group' | 'settle' | 'leaseMs'>;
    /** What headers of a dead letter may hold. */
    readonly headerKind: PublishTraits['headers'];
  }> {
    const { flags } = this;
    const group = flags.group ?? null;
    const said = { group, deadLetter: flags['dead-letter'] ?? null, rejects: flags.reject };
    const { driver, context, declaration } = await this.connect({
      verb,
      needs: ['claim'],
      changes: true,
      check: (declared) => checkTaking(declared, said),
    });
    const traits = declaration.facets.claim;
    if (group !== null && !flags.join) await refuseGroupWithMembers(driver, group, this.signal);
    if (this.#filtered && traits?.settle === 'each' && traits.releaseCounts) {
      const price = 'what the filter drops is taken too and given back, which counts as a delivery of each';
      if (!(await this.confirm(price, { yes: flags.yes }))) throw new UsageError('not done');
    }
    const taking = { group, settle: traits?.settle ?? 'each', leaseMs: traits?.leaseMs ?? null };
    return { driver, context, taking, headerKind: declaration.facets.publish?.headers ?? 'none' };
  }

  get #filtered(): boolean {
    const { filter, grep, key, header, partition } = this.flags;
    return [filter, grep, key, header, partition].some((flag) => flag !== undefined);
  }

  /** Nothing is taken that cannot be wanted: giving back may count as a delivery. */
  #window(limit: number | null, prefetch: number): number {
    return Math.max(1, limit === null || this.#filtered ? prefetch : Math.min(prefetch, limit));
  }

  #answer({ matched }: ReadResult): void {
    const { require, forbid } = this.flags;
    if (require !== undefined && matched < require)
      throw new AnswerIsNoError(
        `${countText(matched)} matched, and ${countOf(require, 'is', 'are')} required`,
      );
    if (forbid && matched > 0) throw new AnswerIsNoError('a message matched, and none may');
  }
}
