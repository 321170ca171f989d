/** The settings that the clients of all of AWS's services take alike. */
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Connection, Environment } from '../driver.ts';
import type { AwsAddress } from './address.ts';

export interface ClientSettings {
  readonly region?: string;
  readonly endpoint?: string;
  readonly profile?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly requestHandler: NodeHttpHandler;
  readonly maxAttempts: number;
  readonly customUserAgent: string;
}

/** Sockets of one client: as many requests as that are under way at once. */
const mostSockets = 64;

/**
 * `repeats`: whether the SDK may send a request again by itself when it was throttled or no answer came. Never for what
 * publishes: a second one would be a duplicate that nobody told of.
 *
 * Always HTTP/1: Kinesis' own default is HTTP/2, which no emulator speaks without TLS.
 */
export function clientSettings(
  address: AwsAddress,
  connection: Connection,
  environment: Environment,
  { repeats }: { readonly repeats: boolean },
): ClientSettings {
  const region =
    address.region ?? process.env['AWS_REGION'] ?? (address.profile === null ? defaultRegion() : undefined);
  const { keys, profile, endpoint } = address;
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== null && { endpoint: endpoint.href }),
    ...(profile !== null && { profile }),
    ...(keys !== null && {
      credentials: {
        accessKeyId: keys.accessKeyId,
        secretAccessKey: keys.secretAccessKey,
        ...(keys.sessionToken !== null && { sessionToken: keys.sessionToken }),
      },
    }),
    requestHandler: new AwsOnlyHandler({
      connectionTimeout: environment.timeoutMs,
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets: mostSockets }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: mostSockets, ...tlsOptions(connection) }),
    }),
    maxAttempts: repeats ? 3 : 1,
    customUserAgent: 'mqctl',
  };
}

/** A web page with status 200 has to be told from an empty answer, for which the SDK takes it where AWS answers in XML. */
class AwsOnlyHandler extends NodeHttpHandler {
  override async handle(
    ...request: Parameters<NodeHttpHandler['handle']>
  ): ReturnType<NodeHttpHandler['handle']> {
    const answer = await super.handle(...request);
    const { response } = answer;
    if (response.statusCode < 300 && /html/i.test(response.headers['content-type'] ?? ''))
      throw Object.assign(new Error('a web page'), { $response: response });
    return answer;
  }
}

/** The AWS command line's name for it, which the SDK does not read. */
function defaultRegion(): string | undefined {
  return process.env['AWS_DEFAULT_REGION'];
}

function tlsOptions({ tls }: Connection): object {
  if (tls === null) return {};
  return {
    ...(tls.ca !== null && { ca: tls.ca }),
    ...(tls.certificate !== null && { cert: tls.certificate }),
    ...(tls.key !== null && { key: tls.key }),
    ...(tls.keyPassphrase !== null && { passphrase: tls.keyPassphrase }),
    ...(tls.serverName !== null && { servername: tls.serverName }),
    rejectUnauthorized: !tls.insecure,
  };
}
