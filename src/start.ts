import { fileURLToPath } from 'node:url';
import { ExitError } from '@oclif/core/errors';
import { run } from '@oclif/core/run';
import { MqctlError, errorText, exitCodes } from './lib/errors.ts';
import { processOutput } from './lib/output/process-output.ts';

/** Runs the command line, by default from the bundle in `dist`, and sets the exit code. */
export async function start(
  options: Parameters<typeof run>[1] = fileURLToPath(new URL('..', import.meta.url)),
): Promise<void> {
  try {
    await run(process.argv.slice(2), options);
  } catch (error) {
    if (error instanceof ExitError) {
      process.exitCode = error.oclif.exit ?? 0;
      return;
    }
    const known =
      error instanceof MqctlError
        ? error
        : new MqctlError('UNEXPECTED', exitCodes.failed.code, errorText(error));
    processOutput.error({ code: known.code, message: known.message, hint: known.hint, exit: known.exit });
    if (process.argv.includes('--debug') && error instanceof Error) processOutput.sayPlain(error.stack ?? '');
    process.exitCode = known.exit;
  }
}
