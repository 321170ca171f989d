import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { addressOf } from '../brokers/needs.ts';
import { workplace, type Workplace } from './workplace.ts';

/** A context that names the management API, too. */
export async function rabbitmqWorkplace(t: TestContext): Promise<Workplace> {
  const place = await workplace(t, 'r');
  const folder = join(place.folder, 'config', 'mqctl');
  await mkdir(folder, { recursive: true });
  const context = {
    url: addressOf('rabbitmq'),
    managementUrl: process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'],
  };
  await writeFile(join(folder, 'contexts.yaml'), JSON.stringify({ contexts: { r: context } }), {
    mode: 0o600,
  });
  return place;
}
