import inquirer from 'inquirer';
import { interruptible } from './interruptible.ts';

/** Yes or no; no is the default. Drawn on stderr. Throws `InterruptedError` on Ctrl-C. */
export async function askToConfirm(question: string, signal: AbortSignal): Promise<boolean> {
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  const { answer } = await interruptible(
    prompt<{ answer: boolean }>([{ type: 'confirm', name: 'answer', message: question, default: false }]),
    signal,
  );
  return answer;
}

/** Whether the very name was typed. Throws `InterruptedError` on Ctrl-C. */
export async function askForName(what: string, name: string, signal: AbortSignal): Promise<boolean> {
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  const { answer } = await interruptible(
    prompt<{ answer: string }>([
      { type: 'input', name: 'answer', message: `${what}: type "${name}" to go on` },
    ]),
    signal,
  );
  return answer === name;
}
