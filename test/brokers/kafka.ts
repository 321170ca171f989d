import { freePorts } from './free-ports.ts';
import { startKafkaServer } from './kafka-server.ts';
import type { RunningBroker } from './running-broker.ts';

export interface KafkaOptions {
  /** Where clients connect; a free port where absent. */
  readonly port?: number;
  /** Broker settings over the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A plain Kafka on 127.0.0.1: one node, no login. */
export async function startKafka(options: KafkaOptions = {}): Promise<RunningBroker> {
  const [free, controller] = await freePorts(2);
  const port = options.port ?? free;
  const address = `127.0.0.1:${String(port)}`;
  const server = await startKafkaServer({
    properties: () => ({
      'controller.quorum.voters': `1@127.0.0.1:${String(controller)}`,
      listeners: `PLAINTEXT://${address},CONTROLLER://127.0.0.1:${String(controller)}`,
      'advertised.listeners': `PLAINTEXT://${address}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      ...options.settings,
    }),
  });
  return {
    address,
    environment: { MQCTL_TEST_KAFKA: address },
    get pid() {
      return server.pid;
    },
    stop: server.stop,
    kill: server.kill,
    restart: server.restart,
  };
}
