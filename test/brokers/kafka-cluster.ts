import { freePorts } from './free-ports.ts';
import { startKafkaServer } from './kafka-server.ts';
import type { KafkaServer } from './kafka-server.ts';

export interface KafkaCluster {
  /** Of the first node, which is the controller too and must live. */
  readonly address: string;
  /** The first node is number 1. */
  readonly nodes: readonly KafkaServer[];
  /** Adds a broker; resolves when it has registered. */
  add(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A Kafka of several nodes, for tests in which one of them dies or freezes. Begins with one; topics that exist before
 * `add` stay on those that were there. A node that is gone is missed after a minute only, unless `settings` say otherwise.
 */
export async function startKafkaCluster(
  settings: Readonly<Record<string, string>> = {},
): Promise<KafkaCluster> {
  const [controllerPort] = await freePorts(1);
  const controller = `127.0.0.1:${String(controllerPort)}`;
  const nodes: KafkaServer[] = [];
  const addresses: string[] = [];
  const add = async (): Promise<void> => {
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${String(port)}`;
    const first = nodes.length === 0;
    const node = await startKafkaServer({
      properties: () => ({
        'process.roles': first ? 'broker,controller' : 'broker',
        'node.id': String(nodes.length + 1),
        'controller.quorum.voters': `1@${controller}`,
        listeners: `PLAINTEXT://${address}${first ? `,CONTROLLER://${controller}` : ''}`,
        'advertised.listeners': `PLAINTEXT://${address}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        'broker.session.timeout.ms': '60000',
        ...settings,
      }),
    });
    nodes.push(node);
    addresses.push(address);
  };
  await add();
  return {
    address: addresses[0] ?? '',
    nodes,
    add,
    async stop() {
      // The controller last: a broker asks it for leave to go.
      for (const node of nodes.toReversed()) await node.stop();
    },
  };
}
