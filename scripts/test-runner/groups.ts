/**
 * Which test needs which server: its place and its name say so, nothing else.
 *
 * | file                                       | group                | what runs beside it                         |
 * |--------------------------------------------|----------------------|---------------------------------------------|
 * | `test/unit/**`                             | `unit`               | nothing; all of them share one process      |
 * | `kafka.test.ts`, `X.kafka.test.ts`         | `kafka`              | that server, shared by the group            |
 * | `X.registry.test.ts`                       | `registry`           | a schema registry, shared by the group      |
 * | `nats.test.ts`, `X.nats.test.ts`            | `nats`               | that server, shared by the group            |
 * | `X.kafka-and-rabbitmq.test.ts`             | `kafka-and-rabbitmq` | both                                        |
 * | `redis.test.ts`, `X.redis.test.ts`         | `redis`              | Redis, Valkey, and a cluster of three       |
 * | `X.kafka-and-registry.test.ts`             | `kafka-and-registry` | both                                        |
 * | `X.own-kafka.test.ts`                      | `own-kafka`          | nothing: the test starts (and kills) its own |
 * | every other `*.test.ts`                    | `local`              | nothing                                     |
 */
import { globSync } from 'node:fs';
import { basename } from 'node:path';

/** In the order in which they run: the quick ones first, one group of servers at a time. */
const serverGroups = [
  'kafka',
  'kafka-secure',
  'registry',
  'rabbitmq',
  'sqs',
  'kinesis',
  'sns',
  'kafka-and-rabbitmq',
  'kafka-and-registry',
  'redis',
  'nats',
] as const;
const ownServerGroups = ['own-kafka', 'own-rabbitmq', 'own-nats'] as const;
const serverNames = [
  'kafka',
  'kafka-secure',
  'registry',
  'rabbitmq',
  'sqs',
  'kinesis',
  'sns',
  'redis',
  'valkey',
  'redis-cluster',
  'nats',
] as const;
const groupNames = ['unit', 'local', ...serverGroups, ...ownServerGroups] as const;

export type GroupName = (typeof groupNames)[number];
export type ServerName = (typeof serverNames)[number];

export interface TestGroup {
  readonly name: GroupName;
  readonly files: readonly string[];
  /** Started before the group, stopped after it. */
  readonly servers: readonly ServerName[];
  /** Started by the tests themselves: this machine only has to have the means. */
  readonly ownServers: readonly ServerName[];
}

/** The groups that have files, in the order in which they run. `root` is the project's folder. */
export function testGroups(root: string): TestGroup[] {
  const files = globSync('test/**/*.test.ts', { cwd: root }).sort();
  return groupNames
    .map((name) => ({
      name,
      files: files.filter((file) => groupOf(file) === name),
      servers: name === 'unit' || name === 'local' ? [] : sharedServers(name),
      ownServers: ownServer(name),
    }))
    .filter((group) => group.files.length > 0);
}

function groupOf(file: string): GroupName {
  if (file.startsWith('test/unit/')) return 'unit';
  const lastWord = basename(file, '.test.ts').split('.').at(-1);
  return [...serverGroups, ...ownServerGroups].find((name) => name === lastWord) ?? 'local';
}

function sharedServers(name: GroupName): ServerName[] {
  if (name === 'redis') return ['redis', 'valkey', 'redis-cluster'];
  const parts = name.split('-and-');
  return serverNames.filter((server) => parts.includes(server));
}

function ownServer(name: GroupName): ServerName[] {
  return serverNames.filter((server) => name === `own-${server}`);
}
