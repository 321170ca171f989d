import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { FailedError, UsageError } from '../../lib/errors.ts';
import { parseHeaders } from '../../lib/input/assignment.ts';
import type { Header } from '../../lib/message/message.ts';
import { fileSource, readWhole } from '../../lib/input/source.ts';
import { decodeBySchema, keyText, PayloadDecoder, type PayloadInput } from '../../lib/schema/decoder.ts';
import { schemaFormats } from '../../lib/schema/engine.ts';
import { engineOf, formatOfFile } from '../../lib/schema/engines.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';
import { schemaFile } from '../../lib/schema/source-file.ts';

export default class SchemaDecode extends BaseCommand<typeof SchemaDecode> {
  static override summary = 'What is in these bytes? Finds the framing and the schema, and decodes';
  static override description = `Knows the frames of Confluent (id in the bytes or in a header), Apicurio (2 and 3, bytes and headers), AWS Glue, Avro's single objects, and CloudEvents around them. The value goes to stdout as JSON; how it was framed, by which schema, and how sure that is, to stderr.

Bytes come from a file, stdin, --hex or --base64. The schema comes from the registry, or from --schema.`;
  static override examples = [
    {
      description: 'A message of a topic',
      command:
        '<%= config.bin %> consume orders --last 1 -o raw | <%= config.bin %> schema decode --registry http://localhost:8081',
    },
    { description: 'By a file', command: '<%= config.bin %> schema decode message.bin --schema order.avsc' },
    { description: 'From a log', command: '<%= config.bin %> schema decode --hex 000000000708 -o json' },
    {
      description: 'With the id in a header',
      command: '<%= config.bin %> schema decode --hex 08 -H apicurio.value.contentId=0x0000000000000007',
    },
  ];
  static override args = { file: Args.string({ ignoreStdin: true, description: 'the bytes; else stdin' }) };
  static override flags = {
    hex: Flags.string({ summary: 'The bytes as hex', exclusive: ['base64'], helpValue: 'HEX' }),
    base64: Flags.string({ summary: 'The bytes as base64', helpValue: 'BASE64' }),
    header: Flags.string({
      char: 'H',
      multiple: true,
      summary: 'A header of the message; bytes as 0xHEX (repeatable)',
      helpValue: 'NAME=VALUE',
    }),
    part: Flags.option({
      options: ['value', 'key'] as const,
      default: 'value',
      summary: 'Which headers count',
    })(),
    schema: Flags.string({ summary: 'Decode by this schema', exclusive: ['registry'], helpValue: 'FILE' }),
    format: Flags.option({ options: schemaFormats, summary: 'Where the name of the file does not say it' })(),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, output } = this;
    const input = {
      bytes: await this.#bytes(),
      headers: parseHeaders(flags.header ?? []).map(withBytes),
      part: flags.part,
    };
    const outcome =
      flags.schema === undefined ? await this.#byRegistry(input) : await this.#bySchema(input, flags.schema);
    if (outcome.kind === 'unframed')
      throw new FailedError('no framing fits these bytes', {
        code: 'PAYLOAD',
        hint: 'where they have no frame, say by which schema they were written: --schema FILE',
      });
    const frame = outcome.framing === null ? 'no frame' : `${outcome.framing}, ${keyText(outcome.key)}`;
    if (outcome.kind === 'broken')
      throw new FailedError(`${frame}: ${outcome.message}`, {
        code: outcome.reason.toUpperCase().replaceAll('-', '_'),
      });
    const { value, framing, sureness, key, schema, format, type } = outcome;
    if (flags.output === 'json') {
      await output.printJson({
        framing,
        sureness,
        id: key?.value ?? null,
        idKind: key?.by ?? null,
        schema,
        format,
        type,
        value,
      });
      return;
    }
    output.note(`${frame} (${sureness}); ${type ?? schema}, ${format}`);
    await output.printJson(value);
  }

  async #byRegistry(input: PayloadInput) {
    const place = await this.requiredRegistry(this.flags.registry);
    return new PayloadDecoder(openRegistry(place.settings, place.options)).decode(input, this.signal);
  }

  async #bySchema(input: PayloadInput, file: string) {
    const engine = await engineOf(formatOfFile(file, this.flags.format ?? null));
    return decodeBySchema(engine.parse(await schemaFile(file)), input);
  }

  async #bytes(): Promise<Uint8Array> {
    const { flags, args } = this;
    if (flags.hex !== undefined) {
      const digits = flags.hex.replaceAll(/\s|^0x/g, '');
      if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError('--hex is no hex');
      return Buffer.from(digits, 'hex');
    }
    if (flags.base64 !== undefined) {
      if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(flags.base64)) throw new UsageError('--base64 is no base64');
      return Buffer.from(flags.base64, 'base64');
    }
    return readWhole(args.file === undefined ? this.stdin() : fileSource(args.file));
  }
}

/** What names a schema in a header is mostly no text. */
function withBytes(header: Header): Header {
  if (!(header.value instanceof Uint8Array)) return header;
  const [, digits] = /^0x((?:[0-9a-f]{2})+)$/i.exec(Buffer.from(header.value).toString('latin1')) ?? [];
  return digits === undefined ? header : { ...header, value: Buffer.from(digits, 'hex') };
}
