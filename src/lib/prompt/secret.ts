import inquirer from 'inquirer';
import { interruptible } from './interruptible.ts';

/** A secret, typed without being shown. Throws `InterruptedError` on Ctrl-C. */
export async function askForSecret(question: string, signal: AbortSignal): Promise<string> {
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  const { answer } = await interruptible(
    prompt<{ answer: string }>([{ type: 'password', name: 'answer', message: question, mask: false }]),
    signal,
  );
  return answer;
}
