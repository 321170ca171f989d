import { emitKeypressEvents } from 'node:readline';

export interface Key {
  /** `a`, `up`, `escape`, `return`, `backspace`, … */
  readonly name: string;
  /** What was typed, where it is one printable character. */
  readonly text: string | null;
}

interface PressedKey {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/**
 * Gives each key to `press` as it comes, until the result is disposed of: then the terminal is as it was. Ctrl-C is the signal
 * that it always is. Does nothing where stdin is no terminal.
 */
export function readKeys(press: (key: Key) => void): Disposable {
  const { stdin } = process;
  if (!stdin.isTTY) return { [Symbol.dispose]: () => undefined };
  const onKey = (text: string | undefined, { name, ctrl }: PressedKey): void => {
    if (ctrl === true) {
      if (name === 'c') process.kill(process.pid, 'SIGINT');
      return;
    }
    press({ name: name ?? text ?? '', text: text !== undefined && /^[^\p{Cc}]$/u.test(text) ? text : null });
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', onKey);
  stdin.resume();
  return {
    [Symbol.dispose]: () => {
      stdin.off('keypress', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
