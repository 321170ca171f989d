import type { ClusterStatus } from '../driver.ts';

export interface Endpoint {
  /** As in the name of its host: `sqs`. */
  readonly service: 'sns' | 'sqs';
  readonly region: string;
  /** Where another than AWS's own is named. */
  readonly endpoint: string | null;
}

/** There is no cluster to see: that it answers, where, and for how many. Counting stops at `most`. */
export async function endpointStatus(
  { service, region, endpoint }: Endpoint,
  counted: { readonly of: string; readonly names: AsyncIterable<string>; readonly most: number },
): Promise<ClusterStatus> {
  let count = 0;
  for await (const name of counted.names) {
    if (name !== '') count += 1;
    if (count >= counted.most) break;
  }
  return {
    system: `Amazon ${service.toUpperCase()}`,
    version: null,
    cluster: null,
    nodes: [
      {
        node: endpoint ?? `${service}.${region}`,
        address: endpoint,
        version: null,
        role: 'endpoint',
        running: true,
      },
    ],
    problems: [],
    facts: { region, [counted.of]: count < counted.most ? String(count) : `${String(counted.most)} or more` },
    unknown: ['version, servers: AWS runs them, and tells of trouble at its Health Dashboard'],
  };
}
