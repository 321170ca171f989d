import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { ExitError } from '@oclif/core/errors';
import { run } from '@oclif/core/run';
import { settings } from '@oclif/core/settings';
import { MqctlError, errorText, exitCodes } from './lib/errors.ts';
import { processOutput } from './lib/output/process-output.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs the command line from the bundle in `dist`. */
export async function start(): Promise<void> {
  await runCommandLine({ root });
}

/** Runs the command line from `src`, which Node reads directly. */
export async function startFromSources(): Promise<void> {
  settings.enableAutoTranspile = false;
  await runCommandLine(sourceOptions());
}

/** How the framework finds commands, help and hooks in `src` instead of `dist`. */
export function sourceOptions() {
  const manifest: { name: string; version: string; oclif: object } = JSON.parse(
    readFileSync(`${root}package.json`, 'utf8'),
  );
  return {
    root,
    ignoreManifest: true,
    pjson: {
      ...manifest,
      oclif: {
        ...manifest.oclif,
        helpClass: './src/lib/help.ts',
        hooks: { command_not_found: './src/lib/command-not-found.ts' },
        commands: { strategy: 'pattern' as const, target: './src/commands', globPatterns: ['**/*.ts'] },
      },
    },
  };
}

async function runCommandLine(options: Parameters<typeof run>[1]): Promise<void> {
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
