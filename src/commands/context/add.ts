import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { fieldsOfUrl, type ContextFields, type TlsFields } from '../../lib/config/context.ts';
import { importFormats, type ImportFormat } from '../../lib/config/import/import-file.ts';
import { UsageError } from '../../lib/errors.ts';
import { parseAssignments } from '../../lib/input/assignment.ts';

export default class ContextAdd extends BaseCommand<typeof ContextAdd> {
  static override summary = 'Keep an address and a login under a name';
  static override description = `Writes to your context file (mode 0600), keeping its comments and order. The first context becomes the current one.

A text may be a placeholder, so that the secret itself is not in the file: \${env:NAME}, \${file:PATH}, \${cmd:pass show kafka}, \${ask}. Quote it for the shell.

--from reads the file of another tool: Java's client.properties, kcat.conf, rabbitmqadmin.conf, a context of nats, a profile of rpk. What was not understood is listed; flags go before what it says.`;
  static override examples = [
    { description: 'An address', command: '<%= config.bin %> context add dev kafka://localhost:9092' },
    {
      description: 'With a login, and careful',
      command:
        "<%= config.bin %> context add prod kafkas://k1:9093,k2:9093 --username me --password '${cmd:pass show kafka}' --sasl-mechanism SCRAM-SHA-512 --protected",
    },
    {
      description: 'From a Java client',
      command: '<%= config.bin %> context add prod --from client.properties',
    },
    {
      description: 'Brokers behind a tunnel',
      command:
        '<%= config.bin %> context add far kafka://localhost:19092 --address-map kafka-1.internal:9092=localhost:19092',
    },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'name of the context' }),
    url: Args.string({ ignoreStdin: true, description: 'address, unless --from says it' }),
  };
  static override flags = {
    from: Flags.string({ summary: 'Read the file of another tool', helpValue: 'FILE', helpGroup: 'IMPORT' }),
    format: Flags.option({
      options: importFormats,
      summary: "Which tool's it is, where it cannot be told",
      dependsOn: ['from'],
      helpGroup: 'IMPORT',
    })(),
    section: Flags.string({
      summary: 'Which of several in the file',
      helpValue: 'NAME',
      dependsOn: ['from'],
      helpGroup: 'IMPORT',
    }),
    username: Flags.string({ summary: 'User', helpValue: 'TEXT', helpGroup: 'LOGIN' }),
    password: Flags.string({
      summary: 'Password, better a placeholder',
      helpValue: 'TEXT',
      helpGroup: 'LOGIN',
    }),
    'sasl-mechanism': Flags.string({
      summary: 'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM',
      helpValue: 'NAME',
      helpGroup: 'LOGIN',
    }),
    sasl: Flags.string({
      multiple: true,
      summary: 'Field of the mechanism (repeatable): token, region, …',
      helpValue: 'NAME=VALUE',
      dependsOn: ['sasl-mechanism'],
      helpGroup: 'LOGIN',
    }),
    'tls-ca': Flags.string({ summary: 'Certificates to trust, PEM', helpValue: 'FILE', helpGroup: 'TLS' }),
    'tls-certificate': Flags.string({
      summary: 'Own certificate, PEM',
      helpValue: 'FILE',
      dependsOn: ['tls-key'],
      helpGroup: 'TLS',
    }),
    'tls-key': Flags.string({
      summary: 'Its key, PEM',
      helpValue: 'FILE',
      dependsOn: ['tls-certificate'],
      helpGroup: 'TLS',
    }),
    'tls-key-passphrase': Flags.string({
      summary: "The key's passphrase, better a placeholder",
      helpValue: 'TEXT',
      helpGroup: 'TLS',
    }),
    'tls-server-name': Flags.string({
      summary: 'Name that the certificate has',
      helpValue: 'NAME',
      helpGroup: 'TLS',
    }),
    'tls-insecure': Flags.boolean({ summary: 'Do not check the certificate', helpGroup: 'TLS' }),
    'management-url': Flags.string({
      summary: 'Address of the management API',
      helpValue: 'URL',
      helpGroup: 'ADDRESS',
    }),
    'address-map': Flags.string({
      multiple: true,
      summary: 'Reach an advertised address at another (repeatable)',
      helpValue: 'HOST:PORT=HOST:PORT',
      helpGroup: 'ADDRESS',
    }),
    setting: Flags.string({
      multiple: true,
      summary: "The system's own setting (repeatable)",
      helpValue: 'NAME=VALUE',
      helpGroup: 'ADDRESS',
    }),
    'read-only': Flags.boolean({ summary: 'Refuse whatever changes something', helpGroup: 'GUARD' }),
    protected: Flags.boolean({
      summary: "Ask for the context's name before anything is changed",
      helpGroup: 'GUARD',
    }),
    replace: Flags.boolean({ summary: 'Replace the one of that name' }),
    use: Flags.boolean({ summary: 'Make it the current one' }),
  };

  async run(): Promise<void> {
    const { addContext, useContext } = await import('../../lib/config/context-file.ts');
    const { contextFile } = await import('../../lib/config/folders.ts');
    const { name } = this.args;
    const fields = this.#withFlags(await this.#base());
    await this.#warnOfScheme(fields.url);
    const file = contextFile(process.env);
    await addContext(file, name, fields, { replace: this.flags.replace });
    if (this.flags.use) await useContext(file, name);
    this.output.note(`"${name}" is in ${file}; mqctl context test ${name} tries it`);
  }

  /** What the file of the other tool says, or nothing but the address. */
  async #base(): Promise<ContextFields> {
    const { from, section, format } = this.flags;
    const { url } = this.args;
    if (from === undefined) {
      if (url === undefined)
        throw new UsageError('there is no address', { hint: 'give a URL, or --from FILE' });
      return fieldsOfUrl(await this.#checked(url));
    }
    const { importFile } = await import('../../lib/config/import/import-file.ts');
    const chosen: ImportFormat | null = format ?? null;
    const { fields, notUnderstood, hints } = await importFile(from, section ?? null, chosen);
    for (const key of notUnderstood) this.output.note(`not understood: ${key}`);
    for (const hint of hints) this.output.note(hint);
    return url === undefined ? fields : { ...fields, url: await this.#checked(url) };
  }

  /** A file says its paths relative to itself; here they are relative to the working folder. */
  async #checked(url: string): Promise<string> {
    const { isUrl, splitAddress } = await import('../../lib/config/address.ts');
    if (isUrl(url)) splitAddress(url);
    else if (!url.startsWith('${env:'))
      throw new UsageError('this is no address', { hint: 'write it as kafka://localhost:9092' });
    const path = /^local:(?!~|\$\{)(.+)$/s.exec(url)?.[1];
    return path === undefined ? url : `local:${resolve(path)}`;
  }

  /** A scheme that nobody serves is kept all the same: the file may be shared with a newer version. */
  async #warnOfScheme(url: string): Promise<void> {
    const { systemOf } = await import('../../lib/drivers/registry.ts');
    try {
      if (!url.startsWith('${')) systemOf(url);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.output.warn(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`);
    }
  }

  #withFlags(fields: ContextFields): ContextFields {
    const { flags } = this;
    const mechanism = flags['sasl-mechanism'];
    return {
      ...fields,
      username: flags.username ?? fields.username,
      password: flags.password ?? fields.password,
      sasl:
        mechanism === undefined
          ? fields.sasl
          : { mechanism, fields: parseAssignments(flags.sasl ?? [], '--sasl') },
      tls: this.#tls(fields.tls),
      managementUrl: flags['management-url'] ?? fields.managementUrl,
      addressMap: { ...fields.addressMap, ...parseAssignments(flags['address-map'] ?? [], '--address-map') },
      settings: { ...fields.settings, ...parseAssignments(flags.setting ?? [], '--setting') },
      readOnly: flags['read-only'] || fields.readOnly,
      protected: flags.protected || fields.protected,
    };
  }

  #tls(tls: TlsFields | null): TlsFields | null {
    const { flags } = this;
    const said: TlsFields = {
      ca: pemPath(flags['tls-ca']) ?? tls?.ca ?? null,
      certificate: pemPath(flags['tls-certificate']) ?? tls?.certificate ?? null,
      key: pemPath(flags['tls-key']) ?? tls?.key ?? null,
      keyPassphrase: flags['tls-key-passphrase'] ?? tls?.keyPassphrase ?? null,
      serverName: flags['tls-server-name'] ?? tls?.serverName ?? null,
      insecure: flags['tls-insecure'] || (tls?.insecure ?? false),
    };
    return tls !== null || Object.values(said).some((value) => value !== null && value !== false)
      ? said
      : null;
  }
}

function pemPath(text: string | undefined): string | null {
  if (text === undefined) return null;
  return text.startsWith('~') || text.includes('${') ? text : resolve(text);
}
