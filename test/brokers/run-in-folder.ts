import { rm } from 'node:fs/promises';
import type { RunningBroker } from './running-broker.ts';
import type { ServerProcess } from './server-process.ts';

/** Starts a server that keeps everything in a folder of its own, which is removed when it is stopped or does not start. */
export async function runInFolder(
  server: ServerProcess,
  folder: string,
  { address, environment }: Pick<RunningBroker, 'address' | 'environment'>,
): Promise<RunningBroker> {
  const stop = async () => {
    await server.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    environment,
    get pid() {
      return server.pid;
    },
    stop,
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGTERM');
      await server.start();
    },
  };
}
