import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Connected } from '../lib/base.ts';
import { acceptCostFlag, countFlag, durationFlag } from '../lib/flags.ts';
import type { Declaration, DriverWith, LookReport, PublishTraits } from '../lib/drivers/driver.ts';
import { AnswerIsNoError, UnsupportedError, UsageError } from '../lib/errors.ts';
import type { Positions } from '../lib/message/position.ts';
import type { DecodeMessages } from '../lib/operations/decode-messages.ts';
import { parsePositions } from '../lib/message/position-grammar.ts';
import {
  LastMessages,
  lookAt,
  take,
  type ReadOptions,
  type ReadResult,
  type TakeOptions,
  type TakeResult,
} from '../lib/operations/consume.ts';
import { refuseGroupWithMembers } from '../lib/operations/guard-group.ts';
import { agreeToPrice } from '../lib/operations/look-price.ts';
import { registryDecoder } from '../lib/operations/registry-decoder.ts';
import { lookCostText } from '../lib/output/look-cost.ts';
import { messageFormats, parseMessageFormat } from '../lib/output/message-format.ts';
import { makeMessageWriter, type MessageWriter } from '../lib/output/message-writer.ts';
import { passTalkThrough, passThrough } from '../lib/output/pass-through.ts';
import { countText } from '../lib/output/time.ts';

/** On a terminal a look stops here and says how to go on. */
const terminalLimit = 1_000;

type Context = Connected<'claim'>['context'];

const execInputs = ['value', 'record'] as const;
const defaultMaxAttempts = 3;
const defaultBackoff = '1s..30s';

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
  static override flags = {
    from: Flags.string({
      summary: 'Where to begin: start, end-100, 42, after:42, @-1h, @2026-11-20, id:…, group:NAME, 0:42,1:17',
      helpValue: 'POSITION',
      helpGroup: 'RANGE',
    }),
    until: Flags.string({
      summary: 'Where to end, exclusive; the same grammar',
      helpValue: 'POSITION',
      helpGroup: 'RANGE',
    }),
    last: countFlag({
      summary: 'The last N over all partitions',
      exclusive: ['from', 'follow'],
      helpGroup: 'RANGE',
    }),
    limit: countFlag({ char: 'n', summary: 'Stop after N that match', helpGroup: 'RANGE' }),
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what comes', helpGroup: 'RANGE' }),
    for: durationFlag({ summary: 'Stop after that time', helpGroup: 'RANGE' }),
    'idle-timeout': durationFlag({ summary: 'Stop when nothing came for that time', helpGroup: 'RANGE' }),
    partition: Flags.string({
      char: 'p',
      multiple: true,
      summary: 'Only this partition (repeatable)',
      helpValue: 'P',
      helpGroup: 'RANGE',
    }),
    'via-queue': Flags.boolean({
      summary:
        'Where the channel keeps nothing: through a temporary queue that is subscribed to it, and removed at the end',
      helpGroup: 'RANGE',
    }),
    uncommitted: Flags.boolean({
      summary: 'Also what open or aborted transactions wrote',
      helpGroup: 'RANGE',
    }),
    filter: Flags.string({
      summary: 'Only what this CEL expression keeps',
      helpValue: 'CEL',
      helpGroup: 'FILTER',
    }),
    grep: Flags.string({ summary: 'Only values that match', helpValue: 'RE', helpGroup: 'FILTER' }),
    key: Flags.string({ char: 'k', summary: 'Only this key', helpValue: 'K', helpGroup: 'FILTER' }),
    header: Flags.string({
      char: 'H',
      multiple: true,
      summary: 'Only with this header (repeatable)',
      helpValue: 'NAME=VALUE',
      helpGroup: 'FILTER',
    }),
    group: Flags.string({
      char: 'g',
      summary: 'Take as a member of this group, and commit what was written out',
      helpValue: 'GROUP',
      helpGroup: 'TAKE',
    }),
    join: Flags.boolean({
      summary: 'Join the group although it has members',
      dependsOn: ['group'],
      helpGroup: 'TAKE',
    }),
    ack: Flags.boolean({
      summary: 'Take from the channel, and settle what was written out',
      exclusive: ['group'],
      helpGroup: 'TAKE',
    }),
    prefetch: countFlag({
      summary: 'How many may be taken and not yet settled',
      default: 100,
      helpGroup: 'TAKE',
    }),
    exec: Flags.string({
      summary: 'Run this command line by sh for each message, and settle what it handled (exit 0)',
      helpValue: 'CMD',
      exclusive: ['output', 'forbid'],
      helpGroup: 'EXEC',
    }),
    'exec-input': Flags.option({
      options: execInputs,
      summary: 'What CMD gets on stdin: the value (as it is without this flag) or the whole record as JSON',
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    })(),
    'exec-timeout': durationFlag({
      summary: 'End CMD after that time: a failed attempt',
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    }),
    'max-attempts': countFlag({
      summary: `How often CMD is run on a message before it is given up (${defaultMaxAttempts.toString()})`,
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    }),
    backoff: Flags.string({
      summary: `Longest wait before the second attempt, doubled up to the second duration (${defaultBackoff})`,
      helpValue: 'DURATION[..DURATION]',
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    }),
    'dead-letter': Flags.string({
      summary: 'Where what is given up goes; without it the consuming ends there',
      helpValue: 'CHANNEL',
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    }),
    reject: Flags.boolean({
      summary: 'Refuse for good what is given up, so that the system makes a dead letter of it',
      dependsOn: ['exec'],
      exclusive: ['dead-letter'],
      helpGroup: 'EXEC',
    }),
    'no-breaker': Flags.boolean({
      summary: 'Go on however many messages are given up one after the other',
      dependsOn: ['exec'],
      helpGroup: 'EXEC',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'TAKE' }),
    'accept-cost': acceptCostFlag('TAKE'),
    require: countFlag({ summary: 'Exit 3 when fewer matched', helpGroup: 'ANSWER' }),
    forbid: Flags.boolean({
      summary: 'Exit 3 at the first match',
      exclusive: ['require'],
      helpGroup: 'ANSWER',
    }),
    decode: Flags.option({
      options: ['auto', 'json', 'none'] as const,
      default: 'auto',
      summary: 'auto: by the schema registry that the context names; the bytes stay in the record',
      helpGroup: 'OUTPUT',
    })(),
    registry: Flags.string({
      summary: 'Decode by this registry, in the place of the one that the context names',
      helpValue: 'URL',
      helpGroup: 'OUTPUT',
    }),
    output: Flags.string({
      char: 'o',
      summary: `${messageFormats.join(', ')}, fmt='%t %p %o %k\\t%s\\n'; pretty on a terminal, ndjson when piped`,
      helpValue: 'FORMAT',
      helpGroup: 'OUTPUT',
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const channels = [...new Set(this.words)];
    const format = parseMessageFormat(flags.output ?? (this.output.data.isTerminal ? 'pretty' : 'ndjson'));
    const write = makeMessageWriter(this.output, format);
    const range = this.#range();
    const { createFilter } = await import('../lib/filter/filter.ts');
    const keep = await createFilter({
      filter: flags.filter ?? null,
      grep: flags.grep ?? null,
      key: flags.key ?? null,
      headers: flags.header ?? [],
    });
    const takes = flags.ack || flags.group !== undefined;
    if (flags.exec !== undefined && !takes)
      throw new UsageError('--exec settles what it handled, so it has to be said how messages are taken', {
        hint: 'say --group NAME, or --ack to take from the channel itself',
      });
    const verb = flags.group === undefined ? (flags.ack ? 'consume --ack' : 'consume') : 'consume --group';
    const decode = await this.#decoder();
    const reading = { channels, keep, decode, ...range.reading };
    const result =
      flags.exec !== undefined
        ? await this.#exec(reading, flags.exec, range.from)
        : takes
          ? await this.#take(verb, reading, write, range.from)
          : await this.#look(reading, write, range);
    await this.output.data.flush();
    this.signal.throwIfAborted();
    this.#answer(result);
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

  async #look(
    reading: Omit<ReadOptions, 'deliver'>,
    write: MessageWriter,
    range: Range,
  ): Promise<ReadResult> {
    const { flags } = this;
    const { driver, context } = await this.connect({ verb: 'consume', needs: ['look'], changes: false });
    let takeAtMost: number | null = null;
    const says = new Map<string, (report: LookReport) => void>();
    for (const channel of reading.channels) {
      const appraisal = await driver.look.appraise(channel, this.signal);
      if (appraisal.cost === 'subscription' && !flags['via-queue'])
        throw new UsageError(`"${channel}" keeps nothing: it is seen through a temporary queue only`, {
          hint: 'to make one, subscribe it, and remove it at the end: --follow --via-queue',
        });
      const price = await agreeToPrice(channel, appraisal, {
        follow: reading.follow,
        wanted: flags.limit ?? flags.last ?? null,
        context,
        acceptCost: flags['accept-cost'],
        agree: (question) => this.confirm(question, { yes: flags.yes }),
      });
      takeAtMost = price.limit ?? takeAtMost;
      if (price.limit !== null) {
        says.set(channel, (report) => this.output.note(lookCostText({ ...appraisal, ...report })));
      }
    }
    const last = flags.last === undefined ? null : new LastMessages(flags.last);
    const stopsForPerson =
      this.output.data.isTerminal && reading.limit === null && !reading.follow && last === null;
    const result = await lookAt(
      driver.look,
      {
        ...reading,
        limit: last === null ? (stopsForPerson ? terminalLimit : reading.limit) : null,
        from: range.from ?? { every: { kind: reading.follow ? 'end' : 'start', shift: 0n } },
        until: range.until,
        uncommitted: flags.uncommitted,
        takeAtMost,
        deliver: last === null ? write : async (messages) => last.add(messages),
        onReport: (channel, report) => says.get(channel)?.(report),
      },
      this.signal,
    );
    if (last !== null) {
      const messages = last.inOrder();
      await write(messages);
      return { ...result, matched: messages.length };
    }
    if (stopsForPerson && result.endedBy === 'limit')
      this.output.note(
        `stopped after ${countText(terminalLimit)}: --limit N shows more, --from goes on, a pipe gets everything`,
      );
    return result;
  }

  async #take(
    verb: string,
    reading: Omit<ReadOptions, 'deliver'>,
    write: MessageWriter,
    from: Positions | null,
  ): Promise<ReadResult> {
    const { driver, traits } = await this.#openToTake(verb);
    const result = await take(
      driver.claim,
      {
        ...reading,
        group: this.flags.group ?? null,
        from,
        window: this.#window(reading.limit, this.flags.prefetch),
        ...traits,
        together: Number.POSITIVE_INFINITY,
        deliver: async (messages) => {
          await write(messages);
          await this.output.data.flush(); // only what has left may be settled
        },
      },
      this.signal,
    );
    this.output.note(`${countText(result.settled)} taken${leftText(result)}`);
    return result;
  }

  /** The command line of `--exec` is the consumer. */
  async #exec(
    reading: Omit<ReadOptions, 'deliver'>,
    command: string,
    from: Positions | null,
  ): Promise<ReadResult> {
    const { flags, output } = this;
    const maxAttempts = flags['max-attempts'] ?? defaultMaxAttempts;
    if (maxAttempts === 0) throw new UsageError('--max-attempts is at least 1');
    const { parseBackoff } = await import('../lib/dlq/backoff.ts');
    const backoff = parseBackoff(flags.backoff ?? defaultBackoff);
    const deadLetter = flags['dead-letter'];
    if (deadLetter !== undefined && reading.channels.includes(deadLetter))
      throw new UsageError(`"${deadLetter}" cannot take its own dead letters`);
    const { driver, context, traits, headerKind } = await this.#openToTake('consume --exec');
    if (flags.reject) await this.#tellWhereRejected(driver, reading.channels);
    const { consumeByCommand } = await import('../lib/dlq/consume-by-command.ts');
    const result = await consumeByCommand(
      driver,
      {
        ...reading,
        group: flags.group ?? null,
        from,
        window: this.#window(reading.limit, this.#filtered ? flags.prefetch : 1), // nothing waits here that another could handle
        ...traits,
      },
      {
        command,
        input: flags['exec-input'] ?? 'value',
        environment: await this.childEnvironment(context),
        timeoutMs: flags['exec-timeout'] ?? null,
        maxAttempts,
        backoff,
        deadLetter: deadLetter ?? null,
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
    const { succeeded, retried, buried } = result;
    output.note(
      `${countText(succeeded)} handled${retried > 0 ? `, ${countText(retried)} attempts repeated` : ''}${deadLetter === undefined ? '' : `, ${countText(buried)} moved to "${deadLetter}"`}${flags.reject ? `, ${countText(buried)} rejected` : ''}${leftText(result)}`,
    );
    return result;
  }

  /** What is rejected has to go somewhere. */
  async #tellWhereRejected({ claim }: DriverWith<'claim'>, channels: readonly string[]): Promise<void> {
    for (const channel of channels) {
      const to = await claim.rejectsTo?.(channel, this.flags.group ?? null, this.signal);
      if (to === undefined || to === null)
        throw new UsageError(`nobody would hear again of what is rejected from "${channel}"`, {
          hint: 'have it captured first, where the system has that: mqctl dlq watch --install; or say --dead-letter CHANNEL',
        });
      this.output.note(`what is given up is rejected, and then a dead letter in "${to}"`);
    }
  }

  async #openToTake(verb: string): Promise<{
    readonly driver: DriverWith<'claim'>;
    readonly context: Context;
    readonly traits: Pick<TakeOptions, 'settle' | 'leaseMs'>;
    readonly headerKind: PublishTraits['headers'];
  }> {
    const { flags } = this;
    const { driver, context, declaration } = await this.connect({
      verb,
      needs: ['claim'],
      changes: true,
      check: (declared) => this.#checkTaking(declared),
    });
    const settles = declaration.facets.claim;
    if (flags.group !== undefined && !flags.join)
      await refuseGroupWithMembers(driver, flags.group, this.signal);
    if (this.#filtered && settles?.settle === 'each' && settles.releaseCounts) {
      const price = 'what the filter drops is taken too and given back, which counts as a delivery of each';
      if (!(await this.confirm(price, { yes: flags.yes }))) throw new UsageError('not done');
    }
    return {
      driver,
      context,
      traits: { settle: settles?.settle ?? 'each', leaseMs: settles?.leaseMs ?? null },
      headerKind: declaration.facets.publish?.headers ?? 'none',
    };
  }

  get #filtered(): boolean {
    const { filter, grep, key, header, partition } = this.flags;
    return [filter, grep, key, header, partition].some((flag) => flag !== undefined);
  }

  /** Nothing is taken that cannot be wanted: giving back may count as a delivery. */
  #window(limit: number | null, prefetch: number): number {
    return Math.max(1, limit === null || this.#filtered ? prefetch : Math.min(prefetch, limit));
  }

  /** Which of the two ways to take this system has. */
  #checkTaking({ system, facets: { claim, deadLetters, publish } }: Declaration): void {
    const { group } = this.flags;
    if (this.flags['dead-letter'] !== undefined && publish === undefined)
      throw new UnsupportedError(`${system} has not got "produce", so that it takes no dead letters`);
    const way = group === undefined ? 'channel' : 'group';
    if (this.flags.reject && claim?.rejects?.includes(way) !== true) {
      const instead =
        claim?.rejects?.includes('group') === true ? 'take for a group: --group NAME; or say' : 'say';
      throw new UnsupportedError(`${system} has not got "consume --exec --reject"`, {
        hint: `${instead} where it goes: --dead-letter CHANNEL`,
      });
    }
    const keepsWhatWasRead = claim?.group === 'required' || deadLetters?.by === 'recorded';
    if (keepsWhatWasRead && group === undefined) {
      throw new UnsupportedError(`${system} has not got "consume --ack": its channels keep what was read`, {
        hint: 'a group keeps its place: --group NAME',
      });
    }
    if (claim?.group === 'none' && group !== undefined) {
      throw new UnsupportedError(`${system} has not got "consume --group"`, {
        hint: 'messages are taken from the channel itself: --ack',
      });
    }
  }

  #range(): Range {
    const { flags } = this;
    const from =
      flags.from === undefined
        ? flags.last === undefined
          ? null
          : { every: { kind: 'end' as const, shift: -BigInt(flags.last) } }
        : parsePositions(flags.from);
    return {
      from,
      until: flags.until === undefined ? null : parsePositions(flags.until),
      reading: {
        partitions: flags.partition ?? null,
        follow: flags.follow,
        limit: flags.forbid ? 1 : (flags.limit ?? null),
        forMs: flags.for ?? null,
        idleMs: flags['idle-timeout'] ?? null,
      },
    };
  }

  #answer({ matched }: ReadResult): void {
    const { require, forbid } = this.flags;
    if (require !== undefined && matched < require)
      throw new AnswerIsNoError(`${countText(matched)} matched, and ${countText(require)} are required`);
    if (forbid && matched > 0) throw new AnswerIsNoError('a message matched, and none may');
  }
}

function leftText({ released, lost }: TakeResult): string {
  return `${released > 0 ? `, ${countText(released)} given back` : ''}${lost > 0 ? `, ${countText(lost)} lost to someone else: they may come again` : ''}`;
}

interface Range {
  readonly from: Positions | null;
  readonly until: Positions | null;
  readonly reading: Pick<ReadOptions, 'partitions' | 'follow' | 'limit' | 'forMs' | 'idleMs'>;
}
