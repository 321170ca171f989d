import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };

/** How the framework finds commands, help and hooks in `src`, which Node reads directly, instead of in `dist`. */
export function sourceOptions() {
  return {
    root: fileURLToPath(new URL('..', import.meta.url)),
    ignoreManifest: true,
    pjson: {
      ...manifest,
      oclif: {
        ...manifest.oclif,
        topicSeparator: ' ' as const,
        helpClass: './src/lib/help.ts',
        hooks: { command_not_found: './src/lib/command-not-found.ts' },
        commands: { strategy: 'pattern' as const, target: './src/commands', globPatterns: ['**/*.ts'] },
      },
    },
  };
}
