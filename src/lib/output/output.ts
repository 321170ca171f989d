import { makeColour, type Colour } from './colour.ts';
import { visible, visibleJson, visibleLines } from './sanitise.ts';
import { Sink, type OutputStream } from './streams.ts';

export interface OutputSettings {
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly noColour: boolean;
  /** Errors are one line of JSON. */
  readonly jsonErrors: boolean;
}

/** stdout for data, stderr for everything that is said to a person. The only writer of the project. */
export class Output {
  readonly data: Sink;
  readonly talk: Sink;
  #settings: OutputSettings;
  #dataColour: Colour;
  #talkColour: Colour;
  #transient: (() => void) | null = null;

  constructor(stdout: OutputStream, stderr: OutputStream) {
    this.data = new Sink(stdout);
    this.talk = new Sink(stderr);
    this.#settings = { quiet: false, debug: false, noColour: false, jsonErrors: false };
    this.#dataColour = this.#colourOf(this.data);
    this.#talkColour = this.#colourOf(this.talk);
  }

  configure(settings: OutputSettings): void {
    this.#settings = settings;
    this.#dataColour = this.#colourOf(this.data);
    this.#talkColour = this.#colourOf(this.talk);
  }

  #colourOf(sink: Sink): Colour {
    return makeColour({
      isTerminal: sink.isTerminal,
      off: this.#settings.noColour,
      environment: process.env,
    });
  }

  get colour(): Colour {
    return this.#dataColour;
  }

  get talkColour(): Colour {
    return this.#talkColour;
  }

  get quiet(): boolean {
    return this.#settings.quiet;
  }

  /** Data: one document or a finished text. */
  async print(text: string): Promise<void> {
    await this.data.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Data: lines with names in them that come from elsewhere, safe on a terminal. */
  async printLines(text: string): Promise<void> {
    await this.print(this.data.isTerminal ? visibleLines(text) : text);
  }

  /** Data: one JSON document; indented on a terminal. */
  async printJson(document: unknown): Promise<void> {
    const text = JSON.stringify(document, null, this.data.isTerminal ? 2 : undefined);
    await this.print(this.data.isTerminal ? visibleJson(text) : text);
  }

  /** A sentence for the person: stderr, not with `--quiet`. */
  note(text: string): void {
    if (this.#settings.quiet) return;
    this.#say(text.split('\n').map(visible).join('\n'));
  }

  /** Like a note, but it is about something that may be wrong. */
  warn(text: string): void {
    this.#say(`${this.#talkColour.yellow('warning:')} ${visible(text)}`);
  }

  debug(line: string): void {
    if (this.#settings.debug) this.#say(this.#talkColour.dim(`debug: ${visible(line)}`));
  }

  /** An error as one line, or as one line of JSON when data is JSON. */
  error(error: { code: string; message: string; hint: string | undefined; exit: number }): void {
    if (this.#settings.jsonErrors) {
      const { code, message, hint, exit } = error;
      this.#say(visibleJson(JSON.stringify({ error: { code, message, hint: hint ?? null, exit } })));
      return;
    }
    const hint = error.hint === undefined ? '' : `; ${visible(error.hint)}`;
    this.#say(`${this.#talkColour.red('mqctl:')} ${visible(error.message)}${hint}`);
  }

  /** Already safe text on stderr, as the plan before a prompt. */
  sayPlain(text: string): void {
    this.#say(text);
  }

  /** A line that is redrawn (progress): `clear` takes it away before anything else is said. null: none is there. */
  setTransient(clear: (() => void) | null): void {
    this.#transient = clear;
  }

  #say(text: string): void {
    this.#transient?.();
    this.talk.writeNow(text.endsWith('\n') ? text : `${text}\n`);
  }
}
