import { DescribeLimitsCommand } from '@aws-sdk/client-kinesis';
import type { Cluster, ClusterStatus } from '../driver.ts';
import type { Session } from './session.ts';

/** With so much of the account's shards used, a split may soon be refused. */
const nearlyAll = 0.9;

/** A region of AWS, with what this account may have of it. */
export class KinesisCluster implements Cluster {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async status(signal: AbortSignal): Promise<ClusterStatus> {
    const { region, endpoint } = this.#session;
    const said = await this.#session.ask(
      (client, options) => client.send(new DescribeLimitsCommand({}), options),
      signal,
    );
    const { ShardLimit = 0, OpenShardCount = 0, OnDemandStreamCount, OnDemandStreamCountLimit } = said;
    const facts = { OpenShardCount, ShardLimit, OnDemandStreamCount, OnDemandStreamCountLimit };
    return {
      system: 'Amazon Kinesis',
      version: null,
      cluster: region,
      nodes: [
        {
          node: region,
          address: endpoint ?? `kinesis.${region}.amazonaws.com`,
          version: null,
          role: null,
          running: true,
        },
      ],
      problems:
        ShardLimit > 0 && OpenShardCount >= ShardLimit * nearlyAll
          ? [
              `${String(OpenShardCount)} of the ${String(ShardLimit)} shards that this account may have are open`,
            ]
          : [],
      facts: Object.fromEntries(
        Object.entries(facts).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)]],
        ),
      ),
      unknown: ['version: AWS tells none'],
    };
  }
}
