import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { mskIamPayload, mskIamProvider } from '../../../../src/lib/drivers/kafka/sasl-msk-iam.ts';
import { UsageError } from '../../../../src/lib/errors.ts';

const host = 'b-1.test.kafka.us-east-1.amazonaws.com';
const identity = {
  region: 'us-east-1',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
};
const now = new Date('2015-08-30T12:36:00.000Z');

/** Signature version 4 of a presigned request, straight from the AWS reference ("Create a signed AWS API request"). */
function signature(query: Readonly<Record<string, string>>): string {
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac('sha256', key).update(text).digest();
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const canonicalQuery = Object.keys(query)
    .sort()
    .map((name) => `${encode(name)}=${encode(query[name] ?? '')}`)
    .join('&');
  const request = ['GET', '/', canonicalQuery, `host:${host}`, '', 'host', hash('')].join('\n');
  const scope = '20150830/us-east-1/kafka-cluster/aws4_request';
  const toSign = ['AWS4-HMAC-SHA256', '20150830T123600Z', scope, hash(request)].join('\n');
  const key = ['20150830', 'us-east-1', 'kafka-cluster', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${identity.secretAccessKey}`,
  );
  return hmac(key, toSign).toString('hex');
}

for (const sessionToken of [null, 'a/session+token==']) {
  test(`the message is a presigned request in fields, ${sessionToken === null ? 'without' : 'with'} a session token`, () => {
    const payload = mskIamPayload(host, { ...identity, sessionToken }, now);
    const query = {
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20150830/us-east-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20150830T123600Z',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
      ...(sessionToken === null ? {} : { 'X-Amz-Security-Token': sessionToken }),
    };
    assert.deepEqual(payload, {
      version: '2020_10_22',
      host,
      'user-agent': 'mqctl',
      ...Object.fromEntries(Object.entries(query).map(([name, value]) => [name.toLowerCase(), value])),
      'x-amz-signature': signature(query),
    });
  });
}

test('a session token of the environment is not sent beside a key of the context', async () => {
  const variables = { AWS_SESSION_TOKEN: 'elsewhere', AWS_REGION: 'eu-west-1' };
  const provider = mskIamProvider({ accessKeyId: 'A', secretAccessKey: 'S' }, variables);
  let sent = '';
  const saslAuthenticate = async (exchange: { request: { encode(): Promise<Buffer> } }): Promise<void> => {
    sent = (await exchange.request.encode()).subarray(4).toString();
  };
  await provider({ host, port: 9098, saslAuthenticate }).authenticate();
  assert.equal(sent.includes('elsewhere'), false);
  assert.ok(sent.includes('eu-west-1'));
});

test('a missing key is wrong usage', () => {
  assert.throws(() => mskIamProvider({ region: 'eu-west-1' }, {}), UsageError);
});
