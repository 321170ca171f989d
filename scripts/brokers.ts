/**
 * Starts a test server in the foreground: `node scripts/brokers.ts kafka --port 9092`.
 * Prints the `export` lines for the tests, stops the server at Ctrl-C or SIGTERM.
 */
import { parseArgs } from 'node:util';
import { meansToRun as meansToRunApicurio, startApicurio } from '../test/brokers/apicurio.ts';
import { meansToRun as meansToRunElasticmq, startElasticmq } from '../test/brokers/elasticmq.ts';
import { meansToRun as meansToRunKafka } from '../test/brokers/kafka-libraries.ts';
import { startKafka } from '../test/brokers/kafka.ts';
import { startSecureKafka } from '../test/brokers/kafka-secure.ts';
import { meansToRun as meansToRunKinesis, startKinesis } from '../test/brokers/kinesis.ts';
import { meansToRun as meansToRunNats, startSharedNats } from '../test/brokers/nats.ts';
import { meansToRun as meansToRunMinistack, startMinistack } from '../test/brokers/ministack.ts';
import { meansToRun as meansToRunRabbitmq } from '../test/brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../test/brokers/rabbitmq.ts';
import { meansToRun as meansToRunRedis } from '../test/brokers/redis-installation.ts';
import { startRedis, startRedisCluster } from '../test/brokers/redis.ts';
import type { Means, RunningBroker } from '../test/brokers/running-broker.ts';

interface Server {
  readonly means: () => Promise<Means>;
  readonly start: (options: { readonly port?: number }) => Promise<RunningBroker>;
}

const servers: Readonly<Record<string, Server>> = {
  kafka: { means: meansToRunKafka, start: startKafka },
  'kafka-secure': { means: meansToRunKafka, start: startSecureKafka },
  registry: { means: meansToRunApicurio, start: startApicurio },
  rabbitmq: { means: meansToRunRabbitmq, start: startRabbitmq },
  sqs: { means: meansToRunElasticmq, start: startElasticmq },
  redis: { means: meansToRunRedis, start: startRedis },
  valkey: { means: meansToRunRedis, start: (options) => startRedis({ ...options, kind: 'valkey' }) },
  'redis-cluster': { means: meansToRunRedis, start: startRedisCluster },
  sns: { means: meansToRunMinistack, start: startMinistack },
  kinesis: { means: meansToRunKinesis, start: startKinesis },
  nats: { means: meansToRunNats, start: startSharedNats },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string' } },
});
const server = servers[positionals[0] ?? ''];
if (server === undefined) {
  process.stderr.write(
    `usage: node scripts/brokers.ts SERVER [--port N], SERVER one of: ${Object.keys(servers).join(', ')}\n`,
  );
  process.exit(2);
}
const means = await server.means();
if (!means.able) {
  process.stderr.write(`${means.reason}: ${means.remedy}\n`);
  process.exit(1);
}

const stopped = new Promise<void>((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
const broker = await server.start(values.port === undefined ? {} : { port: Number(values.port) });
for (const [name, value] of Object.entries(broker.environment))
  process.stdout.write(`export ${name}='${value}'\n`);
process.stderr.write(`running as process ${String(broker.pid)}; Ctrl-C stops it\n`);
const awake = setInterval(() => undefined, 60_000);
await stopped;
clearInterval(awake);
await broker.stop();
