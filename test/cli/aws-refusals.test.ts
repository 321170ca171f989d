/** What AWS answers and its emulators do not, from a small double of its HTTP API: each is one line, and the right exit. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';

const error = (type: string, message: string): string => JSON.stringify({ __type: type, message });
const json = 'application/x-amz-json-1.0';

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly exit: number;
  readonly words: RegExp;
}

/** As AWS words them. */
const refusals: Readonly<Record<string, Refusal>> = {
  throttled: {
    status: 400,
    type: json,
    body: error('com.amazonaws.sqs#RequestThrottled', 'Rate exceeded'),
    exit: 1,
    words: /throttles: Rate exceeded/,
  },
  expired: {
    status: 403,
    type: json,
    body: error(
      'com.amazon.coral.service#ExpiredTokenException',
      'The security token included in the request is expired',
    ),
    exit: 4,
    words: /credentials .* have expired.*log in again/,
  },
  unknown: {
    status: 403,
    type: json,
    body: error(
      'com.amazon.coral.service#UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ),
    exit: 4,
    words: /refused the credentials/,
  },
  elsewhere: {
    status: 403,
    type: json,
    body: error(
      'com.amazon.coral.service#InvalidSignatureException',
      'Credential should be scoped to a valid region.',
    ),
    exit: 4,
    words: /not of the region that was signed for.*write the region/,
  },
  html: {
    status: 200,
    type: 'text/html',
    body: '<html>Sign in</html>',
    exit: 4,
    words: /is not Amazon SQS: it answers HTML/,
  },
  broken: {
    status: 500,
    type: 'text/html',
    body: '<h1>Oops</h1>',
    exit: 4,
    words: /is not Amazon SQS: it answers HTML \(HTTP 500\)/,
  },
};

/** SNS still answers in XML, and has older names for some. */
const xml = (code: string, message: string): string =>
  `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`;

const ofSns: Readonly<Record<string, Refusal>> = {
  'sns-throttled': {
    status: 400,
    type: 'text/xml',
    body: xml('Throttling', 'Rate exceeded'),
    exit: 1,
    words: /Amazon SNS at .* throttles: Rate exceeded/,
  },
  'sns-expired': {
    status: 403,
    type: 'text/xml',
    body: xml('ExpiredToken', 'The security token included in the request is expired'),
    exit: 4,
    words: /credentials for Amazon SNS .* have expired.*log in again/,
  },
  'sns-unknown': {
    status: 403,
    type: 'text/xml',
    body: xml('InvalidClientTokenId', 'The security token included in the request is invalid.'),
    exit: 4,
    words: /Amazon SNS .* refused the credentials/,
  },
  'sns-elsewhere': {
    status: 403,
    type: 'text/xml',
    body: xml('SignatureDoesNotMatch', "Credential should be scoped to a valid region, not 'eu-west-1'."),
    exit: 4,
    words: /not of the region that was signed for.*write the region/,
  },
  'sns-html': {
    status: 200,
    type: 'text/html',
    body: '<html>Sign in</html>',
    exit: 4,
    words: /is not Amazon SNS: it answers HTML/,
  },
  'sns-broken': {
    status: 502,
    type: 'text/html',
    body: '<h1>Bad gateway</h1>',
    exit: 4,
    words: /is not Amazon SNS: it answers HTML \(HTTP 502\)/,
  },
};

/** A login that may not list: then it is asked for what is named. */
const ofLists: Readonly<Record<string, Pick<Refusal, 'status' | 'type' | 'body'>>> = {
  'lists-nothing': {
    status: 403,
    type: json,
    body: error('com.amazon.coral.service#AccessDeniedException', 'Not authorized to list'),
  },
};

const double = createServer((request, response) => {
  const name = (request.url ?? '').split('/')[1] ?? '';
  const refusal = refusals[name] ?? ofSns[name] ?? ofLists[name];
  response.writeHead(refusal?.status ?? 404, { 'content-type': refusal?.type ?? 'text/plain' });
  response.end(refusal?.body ?? '');
});
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => double.listen(0, '127.0.0.1', resolve));
  const address = double.address() as AddressInfo;
  origin = `http://127.0.0.1:${String(address.port)}`;
});
after(() => double.close());

async function said(context: string): Promise<{ readonly code: number | null; readonly stderr: string }> {
  await using scratch = await scratchFolder();
  const environment = { AWS_EC2_METADATA_DISABLED: 'true' };
  return await mqctl(['describe', 'orders', '-c', context], { folder: scratch.path, environment });
}

for (const [name, { exit, words }] of Object.entries({ ...refusals, ...ofSns }))
  test(`${name}: one line that says what to do, exit ${String(exit)}`, async () => {
    const scheme = name in ofSns ? 'sns' : 'sqs';
    const { code, stderr } = await said(`${scheme}://key:top-secret@eu-west-1?endpoint=${origin}/${name}`);
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.ok(!stderr.includes('top-secret'));
    assert.equal(code, exit);
  });

test('an endpoint where nothing listens, one that has no host, no credentials and no region are told apart', async () => {
  const contexts: readonly (readonly [string, number, RegExp])[] = [
    ['sqs://key:secret@eu-west-1?endpoint=http://127.0.0.1:9', 4, /cannot reach .* connection refused/],
    ['sqs://key:secret@eu-west-1?endpoint=http://nowhere.invalid', 4, /no such host nowhere\.invalid/],
    [`sqs://eu-west-1?endpoint=${origin}/html`, 4, /no credentials for Amazon SQS/],
    [`sqs:?endpoint=${origin}/html`, 2, /no region is said/],
    [
      'sns://key:secret@eu-west-1?endpoint=http://127.0.0.1:9',
      4,
      /cannot reach Amazon SNS .* connection refused/,
    ],
    [`sns://eu-west-1?endpoint=${origin}/sns-html`, 4, /no credentials for Amazon SNS/],
    ['sqs://key@eu-west-1', 2, /the access key of the context is half/],
    ['sqs://localhost:4566', 2, /no region of AWS/],
  ];
  for (const [context, exit, words] of contexts) {
    const { code, stderr } = await said(context);
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.equal(code, exit, context);
  }
});

test('what is named by an ARN of another region is refused, with the address of its own', async () => {
  await using scratch = await scratchFolder();
  const account = '123456789012';
  for (const [scheme, channel] of [
    ['sqs', `arn:aws:sqs:eu-central-1:${account}:orders`],
    ['kinesis', `arn:aws:kinesis:eu-central-1:${account}:stream/orders`],
  ] as const) {
    const context = `${scheme}://key:top-secret@eu-west-1?endpoint=${origin}/lists-nothing`;
    const { code, stderr } = await mqctl(['describe', channel, '-c', context], {
      folder: scratch.path,
      environment: { AWS_EC2_METADATA_DISABLED: 'true' },
    });
    assert.match(stderr, /of another region than/, scheme);
    assert.ok(stderr.trim().endsWith(`${scheme}://eu-central-1`), stderr);
    assert.ok(!stderr.includes('top-secret'));
    assert.equal(code, 2, scheme);
  }
});
