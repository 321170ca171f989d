/** The triage screen on a real terminal: keys in, lines out, on stderr and the alternate screen. */
import {
  createPrompt,
  useEffect,
  useKeypress,
  useMemo,
  useRef,
  useState,
  type KeypressEvent,
} from '@inquirer/core';

import { errorText } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Colour } from '../../output/colour.ts';
import { interruptible } from '../interruptible.ts';
import { draw, listRows } from './draw.ts';
import { currentLetter, type Mark, type Mode, type Triage } from './model.ts';
import { press, refused, summarised, type Key } from './press.ts';

export interface TriageOptions {
  readonly start: Triage;
  readonly colour: Colour;
  /** The letter at that place, read again. */
  readonly read: (at: number) => Promise<Message>;
  /** Why this is no edit; null: it is one. */
  readonly refuseEdit: (text: string) => string | null;
  /** Makes the plan, and resolves with it in words. What it throws is shown. */
  readonly plan: (marks: ReadonlyMap<number, Mark>) => Promise<readonly string[]>;
  /** Forgets the plan that was made. */
  readonly discard: () => Promise<void>;
}

export interface TriageAnswer {
  readonly confirmed: boolean;
  /** What was marked, confirmed or not. */
  readonly marks: ReadonlyMap<number, Mark>;
}

const alternateScreen = '\u001b[?1049h\u001b[H';
const usualScreen = '\u001b[?1049l\u001b[?25h';
const cleared = '\u001b[2J\u001b[H';
const cursorShown = '\u001b[?25h';
const cursorHidden = '\u001b[?25l';

/** Resolves when the person has decided or left. Throws `InterruptedError` on Ctrl-C, and the signal's reason. */
export async function askForTriage(options: TriageOptions, signal: AbortSignal): Promise<TriageAnswer> {
  const { stderr } = process;
  stderr.write(alternateScreen);
  try {
    const context = { output: stderr, signal, clearPromptOnDone: true };
    return await interruptible(triagePrompt(options, context), signal);
  } finally {
    stderr.write(usualScreen);
  }
}

const triagePrompt = createPrompt<TriageAnswer, TriageOptions>((options, done) => {
  const [triage, setTriage] = useState(options.start);
  const [size, setSize] = useState(sizeOfScreen());
  const [message, setMessage] = useState<{ readonly at: number; readonly body: Message } | null>(null);
  const latest = useRef(triage);
  latest.current = triage;
  const at = currentLetter(triage);
  const { mode } = triage;

  useEffect(() => {
    const resized = (): void => {
      process.stderr.write(cleared);
      setSize(sizeOfScreen());
    };
    process.stderr.on('resize', resized);
    return () => {
      process.stderr.off('resize', resized);
    };
  }, []);

  useEffect(() => {
    if (at === null || message?.at === at) return;
    options.read(at).then(
      (body) => {
        if (currentLetter(latest.current) === at) setMessage({ at, body });
      },
      (error: unknown) => {
        setTriage({ ...latest.current, notice: errorText(error) });
      },
    );
  }, [at]);

  useEffect(() => {
    process.stderr.write(mode.kind === 'input' ? cursorShown : cursorHidden);
    if (mode.kind === 'planning')
      options.plan(triage.marks).then(
        (lines) => {
          setTriage(summarised(latest.current, lines));
        },
        (error: unknown) => {
          setTriage(refused(latest.current, errorText(error)));
        },
      );
    if (mode.kind === 'confirmed' || mode.kind === 'left')
      done({ confirmed: mode.kind === 'confirmed', marks: triage.marks });
  }, [mode.kind]);

  useKeypress((event, line) => {
    line.clearLine(0); // readline keeps no line of its own
    const context = { page: listRows(size), refuseEdit: options.refuseEdit };
    const before = latest.current;
    const next = press(before, keyOf(event), context);
    latest.current = next; // several keys may come at once
    if (wasSummary(before.mode, next.mode)) void options.discard();
    setTriage(next);
  });

  const body = message?.at === at ? message.body : null;
  return useMemo(
    () => draw(triage, body, { ...size, colour: options.colour }).join('\n'),
    [triage, body, size],
  );
});

function wasSummary(before: Mode, next: Mode): boolean {
  return before.kind === 'summary' && next.kind === 'list';
}

function sizeOfScreen(): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = process.stderr;
  return { columns: columns || 80, rows: rows || 24 }; // a terminal may say 0
}

/** Node says what a key typed; its type does not. */
function keyOf(event: KeypressEvent): Key {
  const sequence = 'sequence' in event && typeof event.sequence === 'string' ? event.sequence : '';
  const types = !event.ctrl && !/[\u0000-\u001f\u007f]/u.test(sequence);
  return { name: event.name, text: types ? sequence : '' };
}
