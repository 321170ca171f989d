import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { changeFlags, channelArgument, countFlag, durationFlag, outputFlag } from '../lib/flags.ts';
import type { Declaration, DeliveryGuarantee, Driver } from '../lib/drivers/driver.ts';
import {
  FailedError,
  InterruptedError,
  NotFoundError,
  PartialError,
  UnsupportedError,
  UsageError,
} from '../lib/errors.ts';
import { parseHeaders, parseProperties } from '../lib/input/assignment.ts';
import {
  inputFormats,
  readMessages,
  type MessageInput,
  type NumberedMessage,
} from '../lib/input/messages.ts';
import { parseRate } from '../lib/input/rate.ts';
import { fileSource, streamSource, textSource, type Source } from '../lib/input/source.ts';
import type { Spool } from '../lib/input/spool.ts';
import { conforming, type InvalidLine, type PartSchema } from '../lib/operations/conform.ts';
import { produce, type ProduceFailure, type ProduceResult } from '../lib/operations/produce.ts';
import type { RequestResult } from '../lib/operations/request.ts';
import { Progress } from '../lib/output/progress.ts';
import { countText } from '../lib/output/time.ts';
import { chosenFramings, isInHeaders } from '../lib/schema/framing/chosen-framings.ts';
import type { PayloadPart } from '../lib/schema/framing/framing.ts';
import { shellLine } from '../lib/shell-line.ts';

const deliveries = [
  'at-most-once',
  'at-least-once',
  'transactional',
] as const satisfies readonly DeliveryGuarantee[];
/** More failures are counted, not listed. */
const failuresListed = 20;
/** More replies are counted, not listed in one document. */
const repliesListed = 1_000;
const defaultReplyGapMs = 300;
const headersHoldBytes = { bytes: true, typed: true, text: false, none: false } as const;

export default class Produce extends BaseCommand<typeof Produce> {
  static override summary = 'Publish messages from arguments, stdin, files or records';
  static override description = `A message is produced when the broker said so; each one that is not is named by its line: exit 6, or 1 when none was. Nothing is created by producing, unless --create says so.

--format lines (default) makes each line a value; raw makes each --file one; ndjson publishes the records that consume -o ndjson or dlq archive wrote, byte for byte, also compressed ones (gzip, zstd); it does not check an archive as a whole, dlq restore does.

--request sends each message to whoever listens just now, one after the other, and writes the replies to stdout (-o ndjson: as records). Where nobody listens, or none answers within --timeout, it is exit 1, or 6 when others were answered.`;
  static override examples = [
    {
      description: 'One message',
      command: `<%= config.bin %> produce orders --key c-1 --header trace=abc --value '{"total":7}'`,
    },
    { description: 'A line is a message', command: '<%= config.bin %> produce orders < orders.txt' },
    {
      description: 'Key and value in a line',
      command: `printf 'c-1:{"total":7}\\n' | <%= config.bin %> produce orders --key-separator :`,
    },
    {
      description: 'What was consumed, byte for byte',
      command:
        '<%= config.bin %> consume orders -o ndjson | <%= config.bin %> produce orders.copy --format ndjson',
    },
    {
      description: 'A thousand of a kind, fifty a second',
      command: `<%= config.bin %> produce orders --template --value '{"n":{{n}},"id":"{{uuid}}"}' --count 1000 --rate 50/s`,
    },
    {
      description: 'To a RabbitMQ exchange',
      command: '<%= config.bin %> produce exchange:orders --routing-key eu.new --value hello',
    },
    {
      description: 'A request to a NATS service, and all of those that answer',
      command: '<%= config.bin %> produce prices.get --request --replies 0 --value EUR',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    value: Flags.string({
      summary: 'The value; else it comes from --file or stdin',
      exclusive: ['file'],
      helpValue: 'TEXT',
      helpGroup: 'INPUT',
    }),
    file: Flags.string({
      multiple: true,
      summary: 'Read from a file (repeatable)',
      helpValue: 'F',
      helpGroup: 'INPUT',
    }),
    format: Flags.option({ options: inputFormats, summary: 'lines, raw or ndjson', helpGroup: 'INPUT' })(),
    'key-separator': Flags.string({
      summary: 'The key is what stands before it in each line',
      helpValue: 'SEP',
      helpGroup: 'INPUT',
    }),
    'null-value': Flags.string({
      summary: 'A value that is this becomes null, a tombstone',
      helpValue: 'MARK',
      helpGroup: 'INPUT',
    }),
    template: Flags.boolean({
      summary: 'Fill {{n}} {{uuid}} {{now}} {{random 1 100}} in value, key and headers',
      helpGroup: 'INPUT',
    }),
    count: countFlag({ summary: 'Make so many of each', default: 1, helpGroup: 'INPUT' }),
    key: Flags.string({ char: 'k', summary: 'The key', helpValue: 'K', helpGroup: 'MESSAGE' }),
    header: Flags.string({
      char: 'H',
      multiple: true,
      summary: 'A header (repeatable)',
      helpValue: 'NAME=VALUE',
      helpGroup: 'MESSAGE',
    }),
    property: Flags.string({
      multiple: true,
      summary: 'What the system keeps beside headers (repeatable)',
      helpValue: 'NAME=VALUE',
      helpGroup: 'MESSAGE',
    }),
    partition: Flags.string({
      char: 'p',
      summary: 'The partition; else the key decides',
      helpValue: 'P',
      helpGroup: 'MESSAGE',
    }),
    exchange: Flags.string({
      summary: 'Short for --property exchange=NAME',
      helpValue: 'NAME',
      helpGroup: 'MESSAGE',
    }),
    'routing-key': Flags.string({
      summary: 'Short for --property routingKey=KEY',
      helpValue: 'KEY',
      helpGroup: 'MESSAGE',
    }),
    envelope: Flags.boolean({
      summary: 'Wrap the value: message id, correlation id, type, time, version',
      helpGroup: 'MESSAGE',
    }),
    keep: Flags.option({
      options: ['partition', 'timestamp'] as const,
      multiple: true,
      delimiter: ',',
      summary: 'Of a record also its partition, its timestamp',
      helpGroup: 'MESSAGE',
    })(),
    delivery: Flags.option({
      options: deliveries,
      default: 'at-least-once',
      summary: 'transactional: all lines become visible, or none',
      helpGroup: 'DELIVERY',
    })(),
    compression: Flags.string({
      summary: 'gzip, snappy, lz4, zstd: what the system has',
      helpValue: 'CODEC',
      helpGroup: 'DELIVERY',
    }),
    rate: Flags.string({
      summary: 'At most so many: 50/s, 600/m, or max',
      helpValue: 'RATE',
      helpGroup: 'DELIVERY',
    }),
    request: Flags.boolean({
      summary: 'Wait for replies, and write them to stdout',
      exclusive: ['delivery', 'compression', 'rate', 'create'],
      helpGroup: 'REQUEST',
    }),
    replies: countFlag({
      summary: 'End after so many (1); 0: when no other came for --reply-timeout',
      dependsOn: ['request'],
      helpGroup: 'REQUEST',
    }),
    'reply-timeout': durationFlag({
      summary: `How long after a reply the next one is waited for (${defaultReplyGapMs.toString()}ms); the first: --timeout`,
      dependsOn: ['request'],
      helpGroup: 'REQUEST',
    }),
    'value-schema': Flags.string({
      summary: 'The value is JSON: encode it by this subject of the registry, or with --validate check it',
      helpValue: 'FILE|subject:NAME',
      helpGroup: 'SCHEMA',
    }),
    'key-schema': Flags.string({
      summary: 'The same for the key',
      helpValue: 'FILE|subject:NAME',
      helpGroup: 'SCHEMA',
    }),
    framing: Flags.option({
      options: chosenFramings,
      summary: `How the schema's id travels with what is encoded: ${chosenFramings.join(', ')} (confluent)`,
      helpValue: 'FRAMING',
      exclusive: ['validate'],
      helpGroup: 'SCHEMA',
    })(),
    validate: Flags.boolean({
      summary:
        'Only check, and send what was given as it is; by subject:CHANNEL-value where no schema is named',
      helpGroup: 'SCHEMA',
    }),
    'skip-invalid': Flags.boolean({
      summary: 'Send the rest, and exit 6; else nothing is sent where one line is invalid',
      helpGroup: 'SCHEMA',
    }),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
      helpGroup: 'SCHEMA',
    }),
    create: Flags.boolean({ summary: 'Create the channel when it is missing', helpGroup: 'DELIVERY' }),
    'dry-run': changeFlags['dry-run'],
    output: outputFlag(['table', 'json', 'ndjson']),
  };

  async run(): Promise<void> {
    const { flags } = this;
    if (flags.output === 'ndjson' && !flags.request)
      throw new UsageError('-o ndjson writes replies, and there are none', {
        hint: 'say --request to wait for them, or -o json for the result',
      });
    const input = this.#input();
    const ratePerSecond = flags.rate === undefined ? null : parseRate(flags.rate);
    const schemas = await this.#schemas();
    if (schemas.length > 0 && !flags['skip-invalid'])
      return this.#checkedFirst(input, schemas, ratePerSecond);
    return this.#produce(input, schemas, ratePerSecond);
  }

  async #produce(
    input: MessageInput,
    schemas: readonly PartSchema[],
    ratePerSecond: number | null,
  ): Promise<void> {
    const { flags, args } = this;
    let invalid = 0;
    const messages =
      schemas.length === 0
        ? readMessages(input)
        : conforming(readMessages(input), schemas, (line) => {
            invalid += 1;
            if (invalid <= failuresListed) this.output.note(invalidText(line));
          });
    if (flags['dry-run']) {
      await this.#dryRun(messages);
      return this.#answerInvalid(invalid, 0);
    }
    if (flags.request) {
      const { answered } = await this.#request(messages);
      return this.#answerInvalid(invalid, answered);
    }
    const { driver, declaration } = await this.connect({
      verb: 'produce',
      needs: ['publish'],
      changes: true,
      check: (declared) => this.#checkAgainst(declared),
    });
    if (flags.create) await this.#create(driver, declaration, args.channel);
    const progress = new Progress(this.output, 'produced', null);
    let listed = 0;
    let result: ProduceResult;
    try {
      result = await produce(
        driver.publish,
        messages,
        {
          request: {
            channel: args.channel,
            delivery: flags.delivery,
            compression: flags.compression ?? null,
          },
          patienceMs: flags.timeout,
          ratePerSecond,
          onProgress: (accepted) => progress.add(accepted),
          onBlocked: (reason) => this.output.note(`the broker asks to wait: ${reason}`),
          onFailure: (failure) => {
            listed += 1;
            if (listed <= failuresListed) this.output.note(failureText(failure));
          },
        },
        this.signal,
      );
    } finally {
      progress.finish();
    }
    if (listed > failuresListed) this.output.note(`and ${countText(listed - failuresListed)} more`);
    await this.#report(result);
    this.#answerInvalid(invalid, result.produced);
  }

  async #request(messages: AsyncIterable<readonly NumberedMessage[]>): Promise<RequestResult> {
    const { flags, args, output } = this;
    const { driver, declaration } = await this.connect({
      verb: 'produce --request',
      needs: ['requests'],
      changes: true,
      check: (declared) => this.#checkRequest(declared),
    });
    for (const said of await driver.requests.appraise(args.channel, this.signal)) output.note(said);
    const { request } = await import('../lib/operations/request.ts');
    const { makeMessageWriter } = await import('../lib/output/message-writer.ts');
    const { toRecord } = await import('../lib/message/record.ts');
    const json = flags.output === 'json';
    const write = makeMessageWriter(output, flags.output === 'ndjson' ? 'ndjson' : 'value');
    const listed: unknown[] = [];
    const failures: { line: number; code: string; reason: string }[] = [];
    const result = await request(
      driver.requests,
      messages,
      {
        channel: args.channel,
        replies: flags.replies === undefined ? 1 : flags.replies === 0 ? null : flags.replies,
        gapMs: flags['reply-timeout'] ?? defaultReplyGapMs,
        onReply: async (line, { message, error }) => {
          if (!json) return write([message]);
          if (listed.length < repliesListed) listed.push({ line, error, ...toRecord(message) });
        },
        onFailure: (line, { code, message: reason }) => {
          if (failures.length < failuresListed) failures.push({ line, code, reason });
        },
      },
      this.signal,
    );
    const { requested, answered, replies, failure } = result;
    if (json)
      await output.printJson({
        requested,
        answered,
        replies: listed,
        ...(replies > listed.length && { repliesNotListed: replies - listed.length }),
        failures,
      });
    await output.data.flush();
    const delivery = declaration.facets.requests?.delivery ?? 'at-most-once';
    if (requested === 1 && failure !== null) throw failure;
    output.note(
      `${countText(answered)} of ${countText(requested)} requests to "${args.channel}" answered, ${countText(replies)} replies, sent ${delivery.replaceAll('-', ' ')}`,
    );
    if (failure === null) return result;
    for (const { line, reason } of failures) output.note(`line ${line.toString()}: ${reason}`);
    const text = `${countText(requested - answered)} of ${countText(requested)} were not answered`;
    throw answered > 0 ? new PartialError(text) : new FailedError(text, { code: failure.code });
  }

  #checkRequest(declared: Declaration): void {
    const { requests } = declared.facets;
    if (requests?.severalReplies === false && (this.flags.replies ?? 1) !== 1)
      throw new UsageError(`${declared.system} has one reply for a request`, { hint: 'leave --replies out' });
    this.#checkContent(declared);
  }

  /** Nothing is sent before every line was looked at; what can be read only once is kept meanwhile. */
  async #checkedFirst(
    input: MessageInput,
    schemas: readonly PartSchema[],
    ratePerSecond: number | null,
  ): Promise<void> {
    const { spool } = await import('../lib/input/spool.ts');
    const spools: Spool[] = [];
    try {
      for (const source of input.sources) spools.push(await spool(source, this.signal));
      const kept = () => ({ ...input, sources: spools.map((spooled) => spooled.open()) });
      let invalid = 0;
      const checking = conforming(readMessages(kept()), schemas, (line) => {
        invalid += 1;
        if (invalid <= failuresListed) this.output.note(invalidText(line));
      });
      for await (const chunk of checking) if (chunk.length > 0) this.signal.throwIfAborted();
      if (invalid > 0)
        throw new UsageError(
          `${countText(invalid)} ${invalid === 1 ? 'message is' : 'messages are'} invalid, and nothing was sent`,
          {
            hint: 'mend them, or send the rest with --skip-invalid',
          },
        );
      await this.#produce(kept(), schemas, ratePerSecond);
    } finally {
      for (const spooled of spools) await spooled.remove();
    }
  }

  #answerInvalid(invalid: number, produced: number): void {
    if (invalid === 0) return;
    const text = `${countText(invalid)} ${invalid === 1 ? 'message was' : 'messages were'} invalid and not sent`;
    throw produced > 0 || this.flags['dry-run'] ? new PartialError(text) : new FailedError(text);
  }

  async #schemas(): Promise<readonly PartSchema[]> {
    const { flags, args } = this;
    const named: [PayloadPart, string | undefined][] = [
      ['value', flags['value-schema']],
      ['key', flags['key-schema']],
    ];
    if (flags.validate && named.every(([, name]) => name === undefined))
      named[0] = ['value', `subject:${args.channel}-value`];
    if (flags.framing !== undefined && named.every(([, name]) => name === undefined))
      throw new UsageError('--framing frames what a schema encodes, and none is named', {
        hint: 'add --value-schema or --key-schema',
      });
    if (flags['skip-invalid'] && named.every(([, name]) => name === undefined))
      throw new UsageError('--skip-invalid skips what a schema refuses, and none is named', {
        hint: 'add --value-schema, or --validate',
      });
    const { namedSchema } = await import('../lib/schema/named-schema.ts');
    const { frameKey } = await import('../lib/schema/framing/frame-key.ts');
    const { openRegistry } = await import('../lib/schema/registry/open-registry.ts');
    const registry = async () => {
      const { settings, options } = await this.requiredRegistry(flags.registry);
      return openRegistry(settings, options);
    };
    const schemas: PartSchema[] = [];
    for (const [part, name] of named) {
      if (name === undefined) continue;
      const keyed = await namedSchema(name, null, registry, this.signal);
      const kind = flags.framing ?? 'confluent';
      const framing = flags.validate ? null : { kind, key: frameKey(kind, keyed) };
      schemas.push({ part, schema: keyed.schema, framing });
    }
    return schemas;
  }

  async #report(result: ProduceResult): Promise<void> {
    const { produced, suppressed, failed, unknown, unsent, sentTo, failures, broken } = result;
    if (this.flags.output === 'json') {
      await this.output.printJson({
        produced,
        ...(suppressed > 0 && { suppressed }),
        failed,
        unknown,
        unsent,
        sentTo,
        channel: this.args.channel,
        failures,
      });
    } else
      this.output.note(
        `produced ${countText(produced)} to "${this.args.channel}"${unsent > 0 ? `, ${countText(unsent)} not sent` : ''}`,
      );
    if (this.flags.delivery === 'at-most-once')
      this.output.note('at most once: nothing says whether they arrived anywhere');
    if (suppressed > 0)
      this.output.note(
        `${countText(suppressed)} of them were suppressed as duplicates of earlier ones: the system keeps one of an id`,
      );
    if (this.signal.aborted && this.signal.reason instanceof InterruptedError) throw this.signal.reason;
    if (failed === 0 && broken === null && unsent === 0) return;
    const doubt = unknown > 0 ? `; of ${countText(unknown)} nobody knows whether they are there` : '';
    const reason = broken === null ? '' : `: ${broken.message}`;
    const rest =
      broken === null || sentTo === null ? '' : `, nothing after line ${sentTo.toString()} was sent`;
    const text = `${countText(failed)} not accepted, ${countText(unsent)} not sent${rest}${doubt}${reason}`;
    if (produced > 0)
      throw new PartialError(text, { hint: 'the lines are named above, and in failures with -o json' });
    throw new FailedError(
      this.flags.delivery === 'transactional'
        ? `nothing was produced, since not everything could be: ${text}`
        : text,
    );
  }

  async #create(driver: Driver, { system }: Declaration, channel: string): Promise<void> {
    if (driver.admin === undefined) throw new UnsupportedError(`${system} has not got "produce --create"`);
    try {
      await driver.describe(channel, this.signal);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      await driver.admin.create(
        { channel, type: null, partitions: null, settings: {}, deadLetter: null },
        this.signal,
      );
      this.output.note(`created "${channel}"`);
    }
  }

  /** What this system cannot keep is refused before anything is sent. */
  #checkAgainst({ system, facets }: Declaration): void {
    const { flags } = this;
    const traits = facets.publish;
    if (traits === undefined) return;
    const refuse = refusing(system);
    if (!traits.deliveries.includes(flags.delivery))
      refuse(`delivery "${flags.delivery}"`, `known are ${traits.deliveries.join(', ')}`);
    this.#checkContent({ system, facets });
    if (flags.compression !== undefined && !traits.compressions.includes(flags.compression)) {
      refuse(
        `compression "${flags.compression}"`,
        traits.compressions.length === 0 ? 'it takes none' : `known are ${traits.compressions.join(', ')}`,
      );
    }
  }

  /** What a message may hold here. */
  #checkContent({ system, facets: { publish: traits } }: Pick<Declaration, 'system' | 'facets'>): void {
    const { flags } = this;
    if (traits === undefined) return;
    const refuse = refusing(system);
    if (!traits.key && (flags.key !== undefined || flags['key-separator'] !== undefined))
      refuse('keys', 'use --header or --property');
    if (!traits.partition && flags.partition !== undefined) refuse('partitions');
    if (!traits.nullValue && flags['null-value'] !== undefined) refuse('null values');
    if (!traits.timestamp && flags.keep?.includes('timestamp') === true)
      refuse('timestamps that a producer may set');
    const named = flags.exchange ?? flags['routing-key'];
    if (named !== undefined && traits.routing === null) refuse('exchanges');
    if (named !== undefined && traits.routing !== null) this.#checkRouting(system, traits.routing.prefix);
    const known = [...traits.properties, ...(traits.sentOnly ?? [])];
    for (const name of Object.keys(this.#properties())) {
      if (!known.includes(name))
        refuse(`property "${name}"`, known.length === 0 ? 'use --header' : `known are ${known.join(', ')}`);
    }
    if (traits.headers === 'none' && flags.header !== undefined)
      refuse('headers', 'put what they say into the value');
    if (flags.framing !== undefined && isInHeaders(flags.framing) && !headersHoldBytes[traits.headers])
      refuse(`headers that hold bytes, as the frame ${flags.framing} needs`, 'say --framing confluent');
  }

  /** A queue takes what it is given: only an exchange looks at the routing key. */
  #checkRouting(system: string, prefix: string): void {
    const { flags, args } = this;
    const exchange = flags.exchange ?? 'NAME';
    const isExchange = args.channel.startsWith(prefix);
    if (isExchange && (flags.exchange === undefined || args.channel === `${prefix}${exchange}`)) return;
    throw new UsageError(
      `"${args.channel}" is not ${flags.exchange === undefined ? 'an exchange' : `the exchange "${exchange}"`} of ${system}`,
      {
        hint: shellLine`name it as the channel: mqctl produce ${prefix}${exchange} --routing-key KEY`,
      },
    );
  }

  #properties() {
    const { flags } = this;
    return parseProperties([
      ...(flags.property ?? []),
      ...(flags.exchange === undefined ? [] : [`exchange=${flags.exchange}`]),
      ...(flags['routing-key'] === undefined ? [] : [`routingKey=${flags['routing-key']}`]),
    ]);
  }

  #input(): MessageInput {
    const { flags } = this;
    return {
      sources: this.#sources(),
      format: flags.format ?? (flags.value === undefined ? null : 'raw'),
      key: flags.key ?? null,
      keySeparator: flags['key-separator'] ?? null,
      headers: parseHeaders(flags.header ?? []),
      properties: this.#properties(),
      partition: flags.partition ?? null,
      keep: new Set(flags.keep ?? []),
      nullValue: flags['null-value'] ?? null,
      template: flags.template,
      count: flags.count,
      envelope: flags.envelope,
    };
  }

  #sources(): Source[] {
    const { flags } = this;
    if (flags.value !== undefined) return [textSource('--value', flags.value)];
    if (flags.file !== undefined) return flags.file.map(fileSource);
    if (process.stdin.isTTY) this.output.note('reads from the terminal, a line is a message; Ctrl-D ends');
    // A read that waits for a person or a pipe must not outlast Ctrl-C.
    this.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true });
    return [streamSource('stdin', process.stdin)];
  }

  async #dryRun(messages: AsyncIterable<readonly NumberedMessage[]>): Promise<void> {
    let count = 0;
    for await (const chunk of messages) count += chunk.length;
    this.output.note(`would produce ${countText(count)} messages to "${this.args.channel}"`);
    if (this.flags.output === 'json')
      await this.output.printJson({ produced: 0, wouldProduce: count, channel: this.args.channel });
  }
}

function refusing(system: string): (what: string, hint?: string) => never {
  return (what, hint) => {
    throw new UsageError(`${system} has no ${what}`, hint === undefined ? {} : { hint });
  };
}

function invalidText({ line, reason }: InvalidLine): string {
  return `line ${line.toString()}: ${reason}`;
}

function failureText({ line, status, reason }: ProduceFailure): string {
  return `line ${line.toString()}: ${status === 'unknown' ? 'no answer, it may be there or not' : 'not accepted'}: ${reason}`;
}
