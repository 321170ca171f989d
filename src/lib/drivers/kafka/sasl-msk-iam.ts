import aws4 from 'aws4';
import type { SaslOptions } from 'kafkajs/src/network/connection.js';
import { UsageError } from '../../errors.ts';
import { withLength } from './sasl-bytes.ts';

export interface AwsIdentity {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/**
 * Login to Amazon MSK by IAM: SASL mechanism AWS_MSK_IAM. The client sends one JSON message, a presigned
 * `kafka-cluster:Connect` request in fields (aws/aws-msk-iam-auth, "Message Exchange Details"), and the broker answers with JSON.
 * Identity comes from the context's `sasl`, else from the usual AWS variables. Throws `UsageError` when it is missing.
 */
export function mskIamProvider(
  fields: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string | undefined>>,
): NonNullable<SaslOptions['authenticationProvider']> {
  const own = Boolean(fields['accessKeyId']);
  const region = fields['region'] ?? variables['AWS_REGION'] ?? variables['AWS_DEFAULT_REGION'];
  const accessKeyId = fields['accessKeyId'] ?? variables['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = fields['secretAccessKey'] ?? variables['AWS_SECRET_ACCESS_KEY'];
  // A token belongs to its key: never one from elsewhere beside the context's own key.
  const sessionToken = fields['sessionToken'] ?? (own ? null : (variables['AWS_SESSION_TOKEN'] ?? null));
  if (!region || !accessKeyId || !secretAccessKey) {
    throw new UsageError('SASL AWS_MSK_IAM needs "region", "accessKeyId" and "secretAccessKey"', {
      hint: 'put them in the context\'s "sasl", or set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    });
  }
  return ({ host, saslAuthenticate }) => ({
    authenticate: async () => {
      const payload = mskIamPayload(host, { region, accessKeyId, secretAccessKey, sessionToken }, new Date());
      await saslAuthenticate({
        request: { encode: async () => withLength(Buffer.from(JSON.stringify(payload))) },
      });
    },
  });
}

/** The fields of the message: the query of the presigned request with its names in lower case, and what surrounds it. */
export function mskIamPayload(
  host: string,
  identity: AwsIdentity,
  now: Date,
): Readonly<Record<string, string>> {
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '');
  const signed = aws4.sign(
    {
      service: 'kafka-cluster',
      region: identity.region,
      host,
      method: 'GET',
      signQuery: true,
      path: `/?Action=kafka-cluster%3AConnect&X-Amz-Expires=900&X-Amz-Date=${time}`,
      headers: { Host: host },
    },
    {
      accessKeyId: identity.accessKeyId,
      secretAccessKey: identity.secretAccessKey,
      ...(identity.sessionToken === null ? {} : { sessionToken: identity.sessionToken }),
    },
  );
  const query = new URLSearchParams((signed.path ?? '').replace(/^[^?]*\?/, ''));
  const fields: Record<string, string> = {
    version: '2020_10_22',
    host,
    'user-agent': 'mqctl',
    action: 'kafka-cluster:Connect',
  };
  for (const [name, value] of query) fields[name.toLowerCase()] = value;
  return fields;
}
