/** The reference parser of OpenMetrics: that of Prometheus' own Python client, fetched once by pip. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../brokers/cache-folder.ts';
import { isObject } from './random-records.ts';

const run = promisify(execFile);
const release = 'prometheus-client==0.23.1';

/** For `skip`: false where there is one. */
export const withoutParser =
  spawnSync('python3', ['-m', 'pip', '--version']).status === 0 ||
  process.env['MQCTL_TEST_SERVERS'] === 'required'
    ? false
    : 'no python3 with pip, which fetches the parser: install python3-pip';

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly samples: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const program = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([{"name": f.name, "type": f.type, "unit": f.unit,
  "samples": [{"labels": s.labels, "value": s.value} for s in f.samples]}
  for f in text_string_to_metric_families(sys.argv[1])]))`;

/** Throws what the parser says of a text that is no OpenMetrics. */
export async function parseOpenMetrics(text: string): Promise<readonly Family[]> {
  const folder = join(cacheFolder(), release.replace('==', '-'));
  if (!existsSync(folder))
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, release]);
  const { stdout } = await run('python3', ['-c', program, text], {
    env: { ...process.env, PYTHONPATH: folder },
  });
  const families: unknown = JSON.parse(stdout);
  if (!Array.isArray(families) || !families.every(isFamily)) throw new Error(`no families: ${stdout}`);
  return families;
}

function isFamily(value: unknown): value is Family {
  return isObject(value) && typeof value['name'] === 'string' && Array.isArray(value['samples']);
}
