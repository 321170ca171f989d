import { Command, Flags, type Interfaces } from '@oclif/core';
import { MqctlError, InterruptedError, UsageError, errorText, exitCodes } from './errors.ts';
import { isUrl } from './config/address.ts';
import type { Context } from './config/context.ts';
import { redactUrl } from './config/redact.ts';
import type { Declaration, Driver, DriverFacet, DriverWith, Environment } from './drivers/driver.ts';
import { hasFacets, requireFacets, systemOf } from './drivers/registry.ts';
import { explainError, type Thrown } from './explain-error.ts';
import { durationFlag } from './flags.ts';
import { streamSource, type Source } from './input/source.ts';
import type { RegistryPlace, RegistrySettings } from './schema/registry/settings.ts';
import { keepNurserySmall } from './nursery.ts';
import { shellWord } from './shell-line.ts';
import type { Output } from './output/output.ts';
import { processOutput } from './output/process-output.ts';
import { ClosedPipe } from './output/streams.ts';

export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<
  (typeof BaseCommand)['baseFlags'] & T['flags']
>;
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

export interface Connecting<Name extends DriverFacet> {
  /** The command's own words, for the refusal: `consume --group`. */
  readonly verb: string;
  readonly needs: readonly Name[];
  /** Whether anything there may be changed: refused by `readOnly`, asked by `protected`. */
  readonly changes: boolean;
  /** Refuses, by throwing, what this system has not got, before its code is loaded and anything is connected. */
  readonly check?: (declaration: Declaration) => void;
}

export interface Connected<Name extends DriverFacet> {
  readonly driver: DriverWith<Name>;
  readonly context: Context;
  /** What the registry declares of this system. */
  readonly declaration: Declaration;
}

/** What every command shares: flags, output, the connection, the signals, and the one place that turns errors into exit codes. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = {
    context: Flags.string({
      char: 'c',
      summary: 'Context by name, or a URL',
      helpValue: 'NAME|URL',
      helpGroup: 'GLOBAL',
    }),
    timeout: durationFlag({
      summary: 'Limit for each network operation',
      helpGroup: 'GLOBAL',
      default: 10_000,
      defaultHelp: async () => '10s',
    }),
    quiet: Flags.boolean({ char: 'q', summary: 'No notes on stderr', helpGroup: 'GLOBAL' }),
    'no-color': Flags.boolean({ summary: 'No colour', helpGroup: 'GLOBAL' }),
    debug: Flags.boolean({
      summary: 'Say on stderr what is done, and show stack traces',
      helpGroup: 'GLOBAL',
    }),
  };

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** All arguments, for commands that take several. */
  protected words: readonly string[] = [];
  protected readonly output: Output = processOutput;
  readonly #ending = new AbortController();
  readonly #drivers: Driver[] = [];
  /** Where applications keep their places, as the system that was connected to first declares it. */
  #placesElsewhere: string | null = null;
  #stopListening: () => void = () => undefined;

  /** Aborts on Ctrl-C, SIGTERM and when the reader of the output has gone. Its reason is the error to end with. */
  protected get signal(): AbortSignal {
    return this.#ending.signal;
  }

  protected override async init(): Promise<void> {
    await super.init();
    // Errors of parsing, too, come in the form that was asked for.
    this.output.configure({
      quiet: false,
      debug: this.argv.includes('--debug'),
      noColour: this.argv.includes('--no-color'),
      jsonErrors: asksForJson(this.argv),
    });
    const { flags, args, argv } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: (super.ctor as typeof BaseCommand).baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
    });
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.words = argv.filter((word) => typeof word === 'string');
    this.output.configure({
      quiet: this.flags.quiet === true,
      debug: this.flags.debug === true,
      noColour: this.flags['no-color'] === true,
      jsonErrors: asksForJson(this.argv),
    });
    this.#listen();
  }

  /** The command's own words: `dlq redrive`. */
  get #typedAs(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  /** Everything after the flags and arguments were read. */
  abstract override run(): Promise<void>;

  /** Connects to the context that was asked for, after refusing what cannot be. */
  protected async connect<Name extends DriverFacet>(request: Connecting<Name>): Promise<Connected<Name>> {
    return this.connectTo(this.flags.context, request);
  }

  /** Connects to another context (`NAME@CONTEXT`), or the chosen one where the name is undefined. */
  protected async connectTo<Name extends DriverFacet>(
    name: string | undefined,
    request: Connecting<Name>,
  ): Promise<Connected<Name>> {
    const { resolveContext, connectionOf } = await import('./config/resolve.ts');
    const context = await resolveContext(name, this.#resolving());
    const system = systemOf(context.url);
    requireFacets(system.declaration, request.verb, request.needs);
    request.check?.(system.declaration);
    refuseResolvedTopic(context, system.declaration);
    if (request.changes) await this.#guardChange(context, request.verb);
    const connection = await connectionOf(context, this.#resolving());
    const { open } = await system.load();
    keepNurserySmall();
    const driver = await open(connection, await this.environment());
    if (this.#drivers.push(driver) === 1)
      this.#placesElsewhere = system.declaration.facets.groups?.elsewhere ?? null;
    if (!hasFacets(driver, request.needs)) {
      throw new MqctlError(
        'BROKEN_DRIVER',
        exitCodes.failed.code,
        `the driver of ${system.declaration.system} declares more than it has`,
      );
    }
    return { driver, context, declaration: system.declaration };
  }

  /** For completion: runs no command of a context file, asks nobody, warns of nothing. The caller closes the driver. */
  protected async openForCompletion(
    name: string | undefined,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Driver> {
    const { resolveContext, connectionOf } = await import('./config/resolve.ts');
    const resolving = { ...this.#resolving(), warn: () => undefined, ask: null, signal, forCompletion: true };
    const context = await resolveContext(name, resolving);
    const { open } = await systemOf(context.url).load();
    return open(await connectionOf(context, resolving), { ...(await this.environment()), timeoutMs, signal });
  }

  /**
   * Where schemas are registered: `--registry`, else what the context names; null where neither says it. What `changes`
   * something there is refused by a read-only context, and asked for by a protected one.
   */
  protected async registryPlace(said: string | undefined, changes = false): Promise<RegistryPlace | null> {
    const { resolveContext, registryOf, registryOfUrl } = await import('./config/resolve.ts');
    const { cacheFolder } = await import('./config/folders.ts');
    let settings: RegistrySettings | null;
    if (said === undefined) {
      const context = await resolveContext(this.flags.context, this.#resolving());
      if (changes) await this.#guardChange(context, this.#typedAs);
      settings = await registryOf(context, this.#resolving());
    } else settings = registryOfUrl(said);
    if (settings === null) return null;
    return {
      settings,
      options: {
        timeoutMs: this.flags.timeout ?? 10_000,
        log: (line) => this.output.debug(line),
        cacheFolder: cacheFolder(process.env),
      },
    };
  }

  /** `registryPlace` for what cannot do without. Throws `UsageError` that says how a registry is named. */
  protected async requiredRegistry(said: string | undefined, changes = false): Promise<RegistryPlace> {
    const place = await this.registryPlace(said, changes);
    if (place !== null) return place;
    throw new UsageError('no registry is named', {
      hint: `say --registry http://localhost:8081${'schema' in this.ctor.flags ? ' or --schema FILE' : ''}, or write registry: into the context`,
    });
  }

  /**
   * A command to be typed next, as a shell takes it. Where `-c` was said it is repeated: pasted somewhere else, it is for
   * the same place. The password of a URL is hidden.
   */
  protected nextCommand(...words: readonly string[]): string {
    return this.atThisPlace(['mqctl', ...words].map(shellWord).join(' '));
  }

  protected atThisPlace(command: string): string {
    const { context } = this.flags;
    if (context === undefined) return command;
    return `${command} -c ${shellWord(isUrl(context) ? redactUrl(context) : context)}`;
  }

  protected async environment(): Promise<Environment> {
    const { stateFolder } = await import('./config/folders.ts');
    return {
      log: (line) => this.output.debug(line),
      timeoutMs: this.flags.timeout ?? 10_000,
      signal: this.signal,
      stateFolder: stateFolder(process.env),
    };
  }

  /** What a command of the user's that handles messages of this context gets: none of the context's secrets. */
  protected async childEnvironment(context: Context): Promise<Readonly<Record<string, string | undefined>>> {
    const { childEnvironment } = await import('./config/child-environment.ts');
    return childEnvironment(process.env, context);
  }

  /** Why something is done, beside what is done: for commands that keep no record of it. */
  protected tellReason(reason: string | undefined): void {
    if (reason !== undefined) this.output.note(`reason: ${reason}`);
  }

  /** Whether a person can be asked: prompts are drawn on stderr and read from stdin. */
  protected get canAsk(): boolean {
    return process.stdin.isTTY && this.output.talk.isTerminal;
  }

  /** stdin, for messages: a person at a terminal is told how to end it. */
  protected messagesOnStdin(): Source {
    if (process.stdin.isTTY) this.output.note('reads from the terminal, a line is a message; Ctrl-D ends');
    return this.stdin();
  }

  /** A read that waits for a person or a pipe does not outlast Ctrl-C. */
  protected stdin(): Source {
    this.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true });
    return streamSource('stdin', process.stdin);
  }

  /** The plan was shown; may it be done? `--yes` answers, else a person, else the flag is named. Throws `UsageError`, `InterruptedError`. */
  protected async confirm(question: string, flags: { readonly yes: boolean }): Promise<boolean> {
    if (flags.yes) return true;
    if (!this.canAsk)
      throw new UsageError(`nobody can be asked here: "${question}"`, {
        hint: `say --yes to do it${'dry-run' in this.ctor.flags ? ', --dry-run to see it' : ''}`,
      });
    const { askToConfirm } = await import('./prompt/confirm.ts');
    return askToConfirm(question, this.signal);
  }

  /** For what cannot be undone: the name has to be typed. */
  protected async confirmByName(
    what: string,
    name: string,
    flags: { readonly yes: boolean },
  ): Promise<boolean> {
    if (flags.yes) return true;
    if (!this.canAsk)
      throw new UsageError(`nobody can be asked here, and ${what} cannot be undone`, {
        hint: `say --yes to do it${'dry-run' in this.ctor.flags ? ', --dry-run to see it' : ''}`,
      });
    const { askForName } = await import('./prompt/confirm.ts');
    return askForName(what, name, this.signal);
  }

  #resolving() {
    return {
      environment: process.env,
      directory: process.cwd(),
      warn: (text: string) => this.output.warn(text),
      ask: this.canAsk
        ? async (question: string): Promise<string> => {
            const { askForSecret } = await import('./prompt/secret.ts');
            return askForSecret(question, this.signal);
          }
        : null,
      signal: this.signal,
    };
  }

  async #guardChange(context: Context, verb: string): Promise<void> {
    if (context.readOnly) {
      throw new UsageError(`the context "${context.name}" is read-only, and "${verb}" is not only reading`, {
        hint: 'use another context, or take readOnly out of this one',
      });
    }
    if (!context.protected) return;
    const agreed = 'yes' in this.flags && this.flags.yes === true;
    if (agreed && this.flags.context !== undefined) return;
    if (!this.canAsk) {
      throw new UsageError(`the context "${context.name}" is protected`, {
        hint: `say --yes and --context ${context.name}`,
      });
    }
    const { askForName } = await import('./prompt/confirm.ts');
    if (!(await askForName(`${verb} at the protected context`, context.name, this.signal)))
      throw new UsageError('not done');
  }

  #listen(): void {
    const end = (name: 'SIGINT' | 'SIGTERM'): void => {
      if (this.signal.aborted)
        process.exit(name === 'SIGINT' ? exitCodes.interrupted.code : exitCodes.terminated.code);
      this.#ending.abort(new InterruptedError(name));
    };
    const onInterrupt = (): void => end('SIGINT');
    const onTerminate = (): void => end('SIGTERM');
    const onClosed = (): void => this.#ending.abort(new ClosedPipe());
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', onTerminate);
    this.output.data.closed.addEventListener('abort', onClosed);
    this.#stopListening = () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      this.output.data.closed.removeEventListener('abort', onClosed);
    };
  }

  protected override async catch(thrown: Thrown): Promise<void> {
    if (thrown.code === 'EEXIT') throw thrown; // the framework's own way out (--help, this.exit)
    const error = await explainError(thrown, {
      words: this.#typedAs,
      flags: Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags }),
      signal: this.signal,
      driver: this.#drivers[0],
      placesElsewhere: this.#placesElsewhere,
    });
    await this.#close();
    if (error instanceof ClosedPipe) return;
    process.exitCode = await this.tell(error);
    if (this.argv.includes('--debug') && thrown.stack !== undefined) this.output.debug(thrown.stack);
  }

  /** Says what went wrong, wrong flags too; resolves with the exit code. */
  protected async tell({ code, message, hint, exit }: MqctlError): Promise<number> {
    this.output.error({ code, message, hint, exit });
    return exit;
  }

  protected override async finally(): Promise<void> {
    await this.#close();
    this.#stopListening();
    if (!this.output.data.closed.aborted) await this.output.data.flush().catch(() => undefined);
  }

  async #close(): Promise<void> {
    for (const driver of this.#drivers.splice(0)) {
      await driver
        .close()
        .catch((error: unknown) =>
          this.output.warn(`closing the connection to ${driver.target}: ${errorText(error)}`),
        );
    }
  }
}

/** Throws `UsageError` where there is nothing to keep in that topic. */
function refuseResolvedTopic({ name, resolvedTopic }: Context, { facets, system }: Declaration): void {
  if (resolvedTopic === null || facets.deadLetters?.by === 'recorded') return;
  throw new UsageError(
    `context "${name}": resolvedTopic means nothing at ${system}, which removes dead letters that are resolved`,
    { hint: 'leave it out' },
  );
}

function asksForJson(argv: readonly string[]): boolean {
  return asksFor(argv, 'json') || asksFor(argv, 'ndjson');
}

/** Whether this output format is asked for, however wrong the other words are. */
export function asksFor(argv: readonly string[], format: string): boolean {
  return argv.some((word, index) => {
    const value =
      word === '-o' || word === '--output' ? argv[index + 1] : /^(?:-o=?|--output=)(.+)$/.exec(word)?.[1];
    return value === format;
  });
}
