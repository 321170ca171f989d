/** The real program on a pseudo terminal, by util-linux `script`. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, ended } from './run-mqctl.ts';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Sets the title, clears the screen, moves, has the terminal answer, rings, deletes; a C1 control and a reversing mark. */
export const attack = '\u001b]0;owned\u0007\u001b[2J\u001b[1;1H\u001b[6n\u0008\u007f\u009b31m\u202eback\r';
export const colour = '\u001b[31m';

/** For `skip`: false where there is one. */
export const withoutTerminal =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0 ||
  process.env['MQCTL_TEST_SERVERS'] === 'required'
    ? false
    : 'no util-linux "script", which gives a pseudo terminal: install bsdutils or util-linux';

/** Everything that the terminal gets, stdout and stderr together. */
export async function onTerminal(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const quoted = [process.execPath, program, ...words]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const child = spawn('script', ['-qec', quoted, '/dev/null'], {
    cwd: folder,
    env: { ...cleanEnvironment(folder, environment), TERM: 'xterm-256color', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end();
  const { stdout } = await ended(child);
  return stdout.toString('latin1');
}

/** What is left beside text, line ends and our own colours: nothing may be. */
export function controlsIn(shown: string): string[] {
  const text = Buffer.from(shown.replaceAll('\r\n', '\n'), 'latin1').toString();
  return (
    text
      .replace(/\u001b\[[0-9;]*m/g, '')
      .match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g) ?? []
  );
}
