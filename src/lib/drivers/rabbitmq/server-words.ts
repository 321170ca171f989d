/** What the broker says about itself when a connection starts (specification, 1.4.2.2 "server-properties"). */
import type { AmqpConnection } from './amqp-client.ts';
import type { ServerWords } from './cluster.ts';
import { objectOf, textOf } from './json.ts';

/** null: the broker does not say. */
export function serverWords(connection: AmqpConnection): ServerWords {
  const words = objectOf(connection.serverProperties);
  return {
    product: textOf(words['product']),
    version: textOf(words['version']),
    cluster: textOf(words['cluster_name']),
  };
}
