import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { FailedError, NotFoundError, UsageError } from '../../../src/lib/errors.ts';
import { JobStore, type Job } from '../../../src/lib/store/jobs.ts';

const job: Job = {
  id: '20261120T100000-abcdef',
  kind: 'redrive',
  who: 'ann',
  host: 'ops-1',
  startedAt: 1_000,
  endedAt: null,
  context: 'prod',
  target: 'local:shop.db',
  channel: 'orders.dlq',
  state: 'running',
  counts: { moved: 7 },
  reason: 'incident 42',
  stoppedBy: null,
};

async function store(context: TestContext): Promise<JobStore> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-jobs-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return new JobStore(folder);
}

test('a job is kept, found by its id, changed and removed', async (context) => {
  const jobs = await store(context);
  assert.deepEqual(await jobs.list(), []);
  await jobs.create(job);
  assert.deepEqual(await jobs.find(job.id, null), job);
  const ended: Job = { ...job, state: 'done', endedAt: 2_000 };
  await jobs.write(ended);
  assert.deepEqual(await jobs.list(), [ended]);
  await jobs.remove(job.id);
  await assert.rejects(jobs.find(job.id, null), NotFoundError);
});

test('"last" is the newest one, of the channel that is named', async (context) => {
  const jobs = await store(context);
  await jobs.create(job);
  const newer: Job = { ...job, id: 'newer', startedAt: 2_000, channel: 'payments.dlq' };
  await jobs.create(newer);
  assert.deepEqual(await jobs.find('last', null), newer);
  assert.deepEqual(await jobs.find('last', 'orders.dlq'), job);
  await assert.rejects(jobs.find('last', 'other'), NotFoundError);
  assert.deepEqual(
    (await jobs.list()).map(({ id }) => id),
    ['newer', job.id],
  );
});

test('an id cannot leave the folder, and a damaged record is said', async (context) => {
  const jobs = await store(context);
  for (const id of ['../x', '..', 'a/b', '']) await assert.rejects(jobs.find(id, null), UsageError);
  const folder = await jobs.create(job);
  await writeFile(join(folder, 'job.json'), '{"id":7}');
  await assert.rejects(jobs.find(job.id, null), FailedError);
  await writeFile(join(folder, 'job.json'), '{');
  await assert.rejects(jobs.find(job.id, null), FailedError);
});
