import { setImmediate as nextTurn } from 'node:timers/promises';

import { FailedError, UnsupportedError, UsageError } from '../../errors.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../driver.ts';
import { channelNamed, findChannel, partitionsOf, type Partition } from './channels.ts';
import type { LocalFile, Sql } from './database.ts';
import { bigintOf } from './rows.ts';
import { queueGroup } from './schema.ts';
import { checkChannelName, checkSetting, effectiveSetting, requireSetting } from './settings.ts';
import { removeMessage } from './remove.ts';
import { shellLine } from '../../shell-line.ts';

const rowsPerStep = 2_000;
const fixedPartitions =
  'the number of partitions is fixed when a channel is created: keys would lose their order';

export class LocalAdmin implements Admin {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  /** Makes the file with its first channel, and the dead-letter channel where it is missing. */
  async create(request: CreateRequest, signal: AbortSignal): Promise<void> {
    const { partitions, settings } = checked(request);
    await this.#file.create(signal);
    await this.#file.write(signal, (sql) => {
      if (findChannel(sql, request.channel) !== null)
        throw new FailedError(`channel "${request.channel}" exists already at local:${this.#file.path}`, {
          code: 'EXISTS',
          hint: shellLine`see it with "mqctl describe ${request.channel}"`,
        });
      addChannel(sql, request.channel, partitions, settings);
      const deadLetter = settings.get('dead-letter');
      if (deadLetter !== undefined && findChannel(sql, deadLetter) === null)
        addChannel(sql, deadLetter, 1, new Map());
    });
    await this.#clean(signal);
  }

  /** It is gone for everyone at once; its messages are taken away step by step, by the next one if this is cut short. */
  async delete(name: string, signal: AbortSignal): Promise<void> {
    this.#file.requireFor('channel', name);
    await this.#file.write(signal, (sql) => {
      const { id } = channelNamed(sql, name, this.#file.path);
      sql.run('UPDATE channel SET deleted = 1 WHERE id = ?', id);
    });
    await this.#clean(signal);
  }

  /** What somebody holds just now stays, as it does elsewhere. */
  async purge(name: string, signal: AbortSignal): Promise<number> {
    return this.#purge(name, ({ end }) => end, signal);
  }

  async purgeThrough(
    name: string,
    through: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<number> {
    const before = ({ partition, start }: Partition): bigint => {
      const last = through.get(partition.toString());
      return last === undefined ? start : BigInt(last) + 1n;
    };
    return this.#purge(name, before, signal);
  }

  async #purge(name: string, before: (partition: Partition) => bigint, signal: AbortSignal): Promise<number> {
    this.#file.requireFor('channel', name);
    const { id, partitions } = await this.#file.read(signal, (sql) => {
      const channel = channelNamed(sql, name, this.#file.path);
      return { id: channel.id, partitions: partitionsOf(sql, channel) };
    });
    let removed = 0;
    for (const place of partitions)
      for (;;) {
        const step = await this.#file.write(signal, (sql) =>
          purgeSome(sql, id, place.partition, before(place)),
        );
        removed += step;
        if (step === 0) break;
        await nextTurn();
      }
    return removed;
  }

  async settings(
    name: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    for (const setting of names) requireSetting(setting);
    this.#file.requireFor('channel', name);
    return this.#file.read(signal, (sql) => {
      const channel = channelNamed(sql, name, this.#file.path);
      return names.map((setting) =>
        setting === 'partitions'
          ? { name: setting, own: null, effective: String(channel.partitions), fixed: fixedPartitions }
          : {
              name: setting,
              own: channel.stored.get(setting) ?? null,
              effective: effectiveSetting(channel.settings, setting),
              fixed: null,
            },
      );
    });
  }

  async alter({ channel: name, changes, checkOnly }: AlterRequest, signal: AbortSignal): Promise<void> {
    for (const change of changes) {
      requireSetting(change.name);
      if (change.name === 'partitions') throw new UnsupportedError(fixedPartitions);
      if (change.value !== null) checkSetting(change.name, change.value);
      if (change.name === 'dead-letter' && change.value === name)
        throw new UsageError(`"${name}" cannot be its own dead-letter channel`);
    }
    this.#file.requireFor('channel', name);
    const check = (sql: Sql): bigint => {
      const { id } = channelNamed(sql, name, this.#file.path);
      for (const { name: setting, value } of changes)
        if (setting === 'dead-letter' && value !== null) channelNamed(sql, value, this.#file.path);
      return id;
    };
    if (checkOnly) return void (await this.#file.read(signal, check));
    await this.#file.write(signal, (sql) => {
      const id = check(sql);
      for (const { name: setting, value } of changes) {
        sql.run('DELETE FROM setting WHERE channel = ? AND name = ?', id, setting);
        if (value !== null)
          sql.run('INSERT INTO setting (channel, name, value) VALUES (?, ?, ?)', id, setting, value);
      }
    });
  }

  /** Takes away what deleted channels left. */
  async #clean(signal: AbortSignal): Promise<void> {
    for (;;) {
      const more = await this.#file.write(signal, (sql) => {
        const row = sql.get('SELECT id FROM channel WHERE deleted = 1 LIMIT 1');
        if (row === undefined) return false;
        cleanSome(sql, bigintOf(row, 'id'));
        return true;
      });
      if (!more) return;
      await nextTurn();
    }
  }
}

function checked(request: CreateRequest): {
  readonly partitions: number;
  readonly settings: ReadonlyMap<string, string>;
} {
  checkChannelName(request.channel);
  if (request.type !== null && request.type !== 'channel')
    throw new UsageError(`local: has no channels of the type "${request.type}"`, {
      hint: 'leave --type out: there is one kind',
    });
  const given = new Map(Object.entries(request.settings));
  agree(given, 'partitions', request.partitions === null ? null : String(request.partitions), '--partitions');
  agree(given, 'dead-letter', request.deadLetter, '--dead-letter');
  for (const [name, value] of given) checkSetting(name, value);
  if (given.get('dead-letter') === request.channel)
    throw new UsageError(`"${request.channel}" cannot be its own dead-letter channel`);
  const { partitions, ...settings } = Object.fromEntries(given);
  return { partitions: Number(partitions ?? 1), settings: new Map(Object.entries(settings)) };
}

/** The same thing can be said by a flag or a setting, but not both ways differently. */
function agree(settings: Map<string, string>, name: string, value: string | null, flag: string): void {
  if (value === null) return;
  const other = settings.get(name);
  if (other !== undefined && other !== value)
    throw new UsageError(`${flag} says ${value} and the setting ${name} says ${other}`);
  settings.set(name, value);
}

function addChannel(sql: Sql, name: string, partitions: number, settings: ReadonlyMap<string, string>): void {
  const row = sql.get(
    'INSERT INTO channel (name, partitions, created_at) VALUES (?, ?, ?) RETURNING id',
    name,
    partitions,
    Date.now(),
  );
  if (row === undefined) return;
  const id = bigintOf(row, 'id');
  for (let partition = 0; partition < partitions; partition += 1)
    sql.run('INSERT INTO partition (channel, partition) VALUES (?, ?)', id, partition);
  for (const [setting, value] of settings)
    sql.run('INSERT INTO setting (channel, name, value) VALUES (?, ?, ?)', id, setting, value);
}

function purgeSome(sql: Sql, channel: bigint, partition: bigint, end: bigint): number {
  const rows = sql.all(
    `SELECT offset FROM message m WHERE channel = ?1 AND partition = ?2 AND offset < ?3 AND NOT EXISTS
       (SELECT 1 FROM delivery d WHERE d.group_id = ?4 AND d.channel = ?1 AND d.partition = ?2 AND d.offset = m.offset
          AND d.acked = 0 AND d.lease_until > ?5)
     ORDER BY offset LIMIT ?6`,
    channel,
    partition,
    end,
    queueGroup,
    Date.now(),
    rowsPerStep,
  );
  for (const row of rows) removeMessage(sql, channel, partition, bigintOf(row, 'offset'));
  return rows.length;
}

function cleanSome(sql: Sql, channel: bigint): void {
  if (
    sql.run(
      'DELETE FROM message WHERE id IN (SELECT id FROM message WHERE channel = ? LIMIT ?)',
      channel,
      rowsPerStep,
    ) > 0
  )
    return;
  for (const row of sql.all('SELECT DISTINCT group_id FROM group_position WHERE channel = ?', channel))
    sql.run('DELETE FROM delivery WHERE group_id = ? AND channel = ?', bigintOf(row, 'group_id'), channel);
  for (const table of ['group_position', 'partition', 'setting', 'operator_lease'])
    sql.run(`DELETE FROM ${table} WHERE channel = ?`, channel);
  sql.run('DELETE FROM channel WHERE id = ?', channel);
}
