import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const everywhereButOutput = {
  // One place writes and one place decides the exit: see "Streams" in CONTRIBUTING.md.
  'no-console': 'error',
  'no-restricted-properties': [
    'error',
    {
      object: 'process',
      property: 'exit',
      message: 'throw an error of errors.ts: base.ts sets the exit code',
    },
    { object: 'process', property: 'stdout', message: 'write through src/lib/output' },
    { object: 'process', property: 'stderr', message: 'write through src/lib/output' },
  ],
};

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: ['error', 'always'],
    },
  },
  { files: ['src/**/*.ts'], ignores: ['src/lib/output/**', 'src/lib/prompt/**'], rules: everywhereButOutput },
  {
    // The base ends the process when a second signal asks for it.
    files: ['src/lib/base.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // The runner of node:test awaits the promises of test(), describe() and it() itself.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite'] },
          ],
        },
      ],
    },
  },
);
