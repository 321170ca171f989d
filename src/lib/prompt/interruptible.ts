import { InterruptedError } from '../errors.ts';

/** inquirer rejects with a class of its own when the person leaves: that is Ctrl-C. */
export async function interruptible<Answer>(asking: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  try {
    return await asking;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && error.name === 'ExitPromptError') throw new InterruptedError('SIGINT');
    throw error;
  }
}
