import type { Driver } from '../drivers/driver.ts';
import { DeniedError, MqctlError, UnreachableError, errorText } from '../errors.ts';

export interface ProbeResult {
  readonly what: string;
  /** `no`: this login may not. `failed`: it could not be found out. `unsupported`: the system has not got it. */
  readonly result: 'yes' | 'no' | 'failed' | 'unsupported';
  readonly detail: string | null;
}

/**
 * What this login may see, found out by looking only: nothing is joined, produced or changed. Throws `UnreachableError`
 * when the connection itself is lost.
 */
export async function probeLogin(driver: Driver, signal: AbortSignal): Promise<readonly ProbeResult[]> {
  const { cluster, groups } = driver;
  return [
    await probe('list channels', async () => counted(await countChannels(driver, signal), 'channel')),
    groups === undefined
      ? unsupported('list groups')
      : await probe('list groups', async () =>
          counted((await groups.list({ match: null }, signal)).length, 'group'),
        ),
    cluster === undefined
      ? unsupported('read the cluster')
      : await probe('read the cluster', async () => {
          const { system, version, nodes, problems } = await cluster.status(signal);
          const name = version === null ? system : `${system} ${version}`;
          const state = problems.length === 0 ? '' : `; ${problems.join('; ')}`;
          return `${name}, ${counted(nodes.length, 'node')}${state}`;
        }),
  ];
}

async function countChannels(driver: Driver, signal: AbortSignal): Promise<number> {
  const channels = driver.channels({ match: null, internal: false }, signal)[Symbol.asyncIterator]();
  let count = 0;
  while ((await channels.next()).done !== true) count += 1;
  return count;
}

async function probe(what: string, look: () => Promise<string>): Promise<ProbeResult> {
  try {
    return { what, result: 'yes', detail: await look() };
  } catch (error) {
    if (error instanceof UnreachableError || !(error instanceof MqctlError)) throw error;
    return { what, result: error instanceof DeniedError ? 'no' : 'failed', detail: errorText(error) };
  }
}

function unsupported(what: string): ProbeResult {
  return { what, result: 'unsupported', detail: null };
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
