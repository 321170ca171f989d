import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { FailedError, NotFoundError, UnreachableError, UsageError } from '../../../../src/lib/errors.ts';
import { pathOf } from '../../../../src/lib/drivers/local/location.ts';
import { Bench, folderFor, message, openLocal, unaborted } from './bench.ts';

test('local: alone is a file in the state folder, a path is a file there, and a host is refused', () => {
  assert.equal(pathOf('local:', '/state'), '/state/local.db');
  assert.equal(pathOf('local:/a/b.db', '/state'), '/a/b.db');
  assert.equal(pathOf('local:b.db', '/state'), join(process.cwd(), 'b.db'));
  assert.throws(() => pathOf('local://orders.db', '/state'), UsageError);
});

test('looking into a file that is not there makes none, and says how to make it', async (context) => {
  const bench = await Bench.start(context);
  const names = bench.driver.channels({ match: null, internal: false }, unaborted)[Symbol.asyncIterator]();
  await assert.rejects(
    names.next(),
    (error) => error instanceof UnreachableError && /mqctl create/.test(error.hint ?? ''),
  );
  await assert.rejects(bench.driver.describe('orders', unaborted), NotFoundError);
  await assert.rejects(bench.send('orders', [message('x')]), NotFoundError);
  await assert.rejects(bench.read('orders'), NotFoundError);
  await assert.rejects(bench.claiming('orders'), NotFoundError);
  assert.equal(existsSync(bench.path), false);
});

test('the file is made with the first channel, for its owner alone', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  assert.equal(statSync(bench.path).mode & 0o777, 0o600);
  assert.equal(statSync(`${bench.path}-wal`).mode & 0o777, 0o600);
});

test('local: alone makes its folder', async (context) => {
  const stateFolder = join(await folderFor(context), 'state', 'mqctl');
  const driver = await openLocal('local:', stateFolder);
  context.after(() => driver.close());
  await new Bench(driver, '').create('orders');
  assert.equal(statSync(stateFolder).mode & 0o777, 0o700);
});

test('a folder that is not there is unreachable', async (context) => {
  const folder = await folderFor(context);
  await assert.rejects(openLocal(`local:${folder}/nowhere/x.db`), UnreachableError);
});

test('a file that is no database is refused and left as it is', async (context) => {
  const path = join(await folderFor(context), 'notes.txt');
  await writeFile(path, 'not a database, but long enough to be looked at as if it were one '.repeat(20));
  const before = statSync(path);
  await assert.rejects(openLocal(`local:${path}`), (error) => {
    assert.ok(error instanceof UnreachableError);
    assert.match(error.message, /no database of mqctl/);
    return true;
  });
  assert.deepEqual(statSync(path).mtimeMs, before.mtimeMs);
});

test('a database of another program is refused and left as it is', async (context) => {
  const path = join(await folderFor(context), 'other.db');
  const other = new DatabaseSync(path);
  other.exec('CREATE TABLE mine (a)');
  other.close();
  await assert.rejects(openLocal(`local:${path}`), /not one of mqctl/);
  const again = new DatabaseSync(path);
  assert.equal(again.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'], 1);
  again.close();
});

test('a file of a newer version is refused', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.driver.close();
  const newer = new DatabaseSync(bench.path);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  await assert.rejects(openLocal(`local:${bench.path}`), /written by a newer mqctl/);
});

test('a file that stays locked ends with one clear error, and the lock is not waited for after an abort', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  const other = new DatabaseSync(bench.path);
  context.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const impatient = await openLocal(`local:${bench.path}`, '/', 50);
  context.after(() => impatient.close());
  await assert.rejects(
    new Bench(impatient, bench.path).send('orders', [message('x')]),
    (error) => error instanceof FailedError && error.code === 'BUSY' && error.retriable,
  );
  await assert.rejects(bench.admin.delete('orders', AbortSignal.timeout(100)), { name: 'TimeoutError' });
  other.exec('ROLLBACK');
});

test('the state of the file says where it is, how large, and that it is sound', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.fill('orders', [message('x')]);
  const status = await bench.driver.cluster?.status(unaborted);
  assert.deepEqual(status?.problems, []);
  assert.equal(status.facts['file'], bench.path);
  assert.equal(status.facts['messages'], '1');
  assert.equal(status.facts['journal'], 'wal');
});

test('a closed driver says so, and closing twice is no fault', async (context) => {
  const bench = await Bench.start(context);
  await bench.create('orders');
  await bench.driver.close();
  await bench.driver.close();
  await assert.rejects(bench.driver.describe('orders', unaborted));
});
