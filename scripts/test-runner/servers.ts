/** Finds or starts the servers of a group, and says why there is none. */
import { meansToRun as meansToRunApicurio, startApicurio } from '../../test/brokers/apicurio.ts';
import { meansToRun as meansToRunElasticmq, startElasticmq } from '../../test/brokers/elasticmq.ts';
import { meansToRun as meansToRunKafka } from '../../test/brokers/kafka-libraries.ts';
import { startSecureKafka } from '../../test/brokers/kafka-secure.ts';
import { startKafka } from '../../test/brokers/kafka.ts';
import { meansToRun as meansToRunKinesis, startKinesis } from '../../test/brokers/kinesis.ts';
import { meansToRun as meansToRunNats, startSharedNats } from '../../test/brokers/nats.ts';
import { meansToRun as meansToRunMinistack, startMinistack } from '../../test/brokers/ministack.ts';
import { meansToRun as meansToRunRabbitmq } from '../../test/brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../../test/brokers/rabbitmq.ts';
import { meansToRun as meansToRunRedis } from '../../test/brokers/redis-installation.ts';
import { startRedis, startRedisCluster } from '../../test/brokers/redis.ts';
import type { Means, RunningBroker } from '../../test/brokers/running-broker.ts';
import type { ServerName } from './groups.ts';

/** What `MQCTL_TEST_SERVERS` says: start what this machine can run, start nothing, or insist. */
export type ServerMode = 'where-possible' | 'none' | 'required';

/** Throws for a value that means nothing. */
export function serverMode(variable: string | undefined): ServerMode {
  if (variable === undefined || variable === '') return 'where-possible';
  if (variable === 'none' || variable === 'required') return variable;
  throw new Error(`MQCTL_TEST_SERVERS is "${variable}": leave it unset, or say "none" or "required"`);
}

interface Starter {
  /** Names a server that runs already: then none is started. */
  readonly variable: string;
  readonly means: () => Promise<Means>;
  readonly start: () => Promise<RunningBroker>;
}

const starters: Readonly<Record<ServerName, Starter>> = {
  kafka: { variable: 'MQCTL_TEST_KAFKA', means: meansToRunKafka, start: () => startKafka() },
  'kafka-secure': {
    variable: 'MQCTL_TEST_KAFKA_SECURE',
    means: meansToRunKafka,
    start: () => startSecureKafka(),
  },
  registry: {
    variable: 'MQCTL_TEST_REGISTRY',
    means: meansToRunApicurio,
    start: () => startApicurio(),
  },
  rabbitmq: {
    variable: 'MQCTL_TEST_RABBITMQ',
    means: meansToRunRabbitmq,
    start: () => startRabbitmq({ tls: true }),
  },
  sqs: { variable: 'MQCTL_TEST_SQS', means: meansToRunElasticmq, start: () => startElasticmq() },
  redis: {
    variable: 'MQCTL_TEST_REDIS',
    means: meansToRunRedis,
    start: () => startRedis({ tls: true }),
  },
  valkey: {
    variable: 'MQCTL_TEST_VALKEY',
    means: meansToRunRedis,
    start: () => startRedis({ kind: 'valkey' }),
  },
  'redis-cluster': {
    variable: 'MQCTL_TEST_REDIS_CLUSTER',
    means: meansToRunRedis,
    start: () => startRedisCluster(),
  },
  sns: { variable: 'MQCTL_TEST_SNS', means: meansToRunMinistack, start: () => startMinistack() },
  kinesis: { variable: 'MQCTL_TEST_KINESIS', means: meansToRunKinesis, start: () => startKinesis() },
  nats: { variable: 'MQCTL_TEST_NATS', means: meansToRunNats, start: () => startSharedNats() },
};

/** A server to test on, or why there is none and what to do about it. */
export type Found =
  | { readonly broker: RunningBroker | 'named by the environment' }
  | { readonly missing: string; readonly remedy: string };

export async function findServer(
  name: ServerName,
  mode: ServerMode,
  note: (line: string) => void,
): Promise<Found> {
  const starter = starters[name];
  const named = process.env[starter.variable];
  if (named !== undefined) {
    note(`${name}: using the one that ${starter.variable} names`);
    return { broker: 'named by the environment' };
  }
  const missing = await missingMeans(name, mode);
  if (missing !== null) return missing;
  note(`${name}: starting one (the first time it is fetched, which takes a minute)`);
  try {
    const broker = await starter.start();
    note(`${name}: process ${broker.pid} answers at ${new URL(toUrl(broker.address)).host}`);
    return { broker };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `could not be started: ${reason}`, remedy: `start one and set ${starter.variable}` };
  }
}

/** Whether this machine may and can start one; null where it does. */
export async function missingMeans(
  name: ServerName,
  mode: ServerMode,
): Promise<{ readonly missing: string; readonly remedy: string } | null> {
  if (mode === 'none')
    return { missing: 'MQCTL_TEST_SERVERS=none', remedy: 'unset MQCTL_TEST_SERVERS to have it started' };
  const means = await starters[name].means();
  return means.able ? null : { missing: means.reason, remedy: means.remedy };
}

/** An address without its login is what a log may show. */
function toUrl(address: string): string {
  return address.includes('://') ? address : `tcp://${address}`;
}
