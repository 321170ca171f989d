/** The command line at the emulator of Kinesis, and at a stand-in that answers as AWS does to what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal, startFront, type FrontAnswer } from '../brokers/aws-front.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { mqctl, scratchFolder } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('kinesis');
const contextAt = (endpoint: string): string => `kinesis://key:secret-word@eu-west-1?endpoint=${endpoint}`;

test(
  'records of a file are put, looked at by shard and place, and taken by a group of this machine',
  { skip },
  async (t) => {
    const { done, run, channel } = await workplace(t, contextAt(addressOf('kinesis')));
    const stream = await channel('--partitions', '2');
    await done(['produce', stream, '--key-separator', ':'], 'a:1\na:2\na:3\n');
    const { stdout } = await done(['consume', stream, '-o', 'fmt=%p %o %s\\n']);
    const lines = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    assert.deepEqual(
      lines.map(([, , value]) => value),
      ['1', '2', '3'],
    );
    const [shard = '', second = ''] = lines[1] ?? [];
    const values = async (...words: string[]) =>
      (await done(['consume', stream, '-o', 'value', ...words])).stdout.toString().trim().split('\n');
    assert.deepEqual(await values('--from', `${shard}:${second}`), ['2', '3']);
    assert.deepEqual(await values('--from', `${shard}:after:${second}`), ['3']);
    assert.deepEqual(await values('--until', `${shard}:${second}`), ['1']);
    assert.deepEqual(await values('--from', '@-1h'), ['1', '2', '3']);
    assert.deepEqual(await values('--group', 'g', '--limit', '1'), ['1']);
    assert.deepEqual(await values('--group', 'g'), ['2', '3']);
    const lag = await done(['lag', 'g', '-o', 'json']);
    assert.match(lag.stdout.toString(), /"lag":0,/);
    const behind = await done(['lag', '--channel', stream, '--from', 'start', '-o', 'json']);
    assert.match(behind.stdout.toString(), /"lag":null,.*"timeLagMs":\d+,/);
    const unknown = await run(['lag', 'an-application']);
    assert.equal(unknown.code, 5);
    assert.match(unknown.stderr, /checkpoint tables \(DynamoDB\) are out of scope/);
  },
);

test(
  'what cannot be a record is named by its line; what Kinesis has not got is exit 5 with what to use instead',
  { skip },
  async (t) => {
    const { run, channel } = await workplace(t, contextAt(addressOf('kinesis')));
    const stream = await channel();
    const large = 'x'.repeat(1_100_000);
    const produced = await run(['produce', stream], `one\n${large}\nthree\n`);
    assert.equal(produced.code, 6);
    assert.match(produced.stderr, /line 2: not accepted: too large: 11000\d\d bytes .* takes 1048576 bytes/);
    assert.match(produced.stderr, /produced 2 to/);
    for (const [words, instead] of [
      [['consume', stream, '--ack'], /--group NAME/],
      [['dlq', 'inspect', stream], /dlq inspect QUEUE -c sqs:/],
      [['offsets', 'show', 'g'], /groups delete GROUP/],
      [['purge', stream], /has not got "purge"/],
    ] as const) {
      const { code, stderr } = await run(words);
      assert.equal(code, 5, words.join(' '));
      assert.match(stderr, instead);
    }
  },
);

const answers: readonly (readonly [string, FrontAnswer, number, RegExp])[] = [
  [
    'expired credentials',
    refusal('ExpiredTokenException', 'The security token included in the request is expired'),
    4,
    /credentials .* have expired/,
  ],
  [
    'a wrong region',
    refusal('InvalidSignatureException', 'Credential should be scoped to a valid region. '),
    4,
    /region/,
  ],
  [
    'credentials that nobody knows',
    refusal('UnrecognizedClientException', 'The security token is invalid.'),
    4,
    /refused the credentials/,
  ],
  ['throttling', refusal('LimitExceededException', 'Rate exceeded for account.'), 1, /Rate exceeded/],
  [
    'an answer of HTML',
    { status: 200, body: '<html>Sign in</html>', type: 'text/html' },
    4,
    /not Amazon Kinesis: it answers HTML/,
  ],
  [
    'a gateway that failed',
    { status: 502, body: '<html>Bad gateway</html>', type: 'text/html' },
    4,
    /not Amazon Kinesis: it answers HTML/,
  ],
];

for (const [what, answer, exit, words] of answers)
  test(`${what}: one line, exit ${exit}, no secret`, async (t) => {
    await using folder = await scratchFolder();
    const front = await startFront(null, () => answer);
    t.after(() => front.close());
    const { code, stdout, stderr } = await mqctl(['ls', '-c', contextAt(front.endpoint)], {
      folder: folder.path,
    });
    assert.equal(code, exit, stderr);
    assert.equal(stdout.toString(), '');
    assert.match(stderr, words);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.ok(!stderr.includes('secret-word'));
  });

test('an endpoint where nothing answers: one line, exit 4', async () => {
  await using folder = await scratchFolder();
  const { code, stderr } = await mqctl(['ls', '-c', contextAt('http://127.0.0.1:1')], {
    folder: folder.path,
  });
  assert.equal(code, 4);
  assert.match(
    stderr,
    /^mqctl: cannot reach Amazon Kinesis at http:\/\/127\.0\.0\.1:1: connection refused; [^\n]*\n$/,
  );
});
