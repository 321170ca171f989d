import assert from 'node:assert/strict';
import test from 'node:test';
import { readFailure } from '../../../src/lib/dlq/failure.ts';
import type { Message } from '../../../src/lib/message/message.ts';

/** As the Lambda Developer Guide shows it for a Kinesis stream. */
const record = {
  requestContext: {
    requestId: 'c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5',
    functionArn: 'arn:aws:lambda:us-east-2:123456789012:function:myfunction',
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 1,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2019-11-14T00:38:06.021Z',
  KinesisBatchInfo: {
    shardId: 'shardId-000000000001',
    startSequenceNumber: '49601189658422359378836298521827638475320189012309704722',
    endSequenceNumber: '49601189658422359378836298522902373528957594348623495186',
    approximateArrivalOfFirstRecord: '2019-11-14T00:38:04.835Z',
    approximateArrivalOfLastRecord: '2019-11-14T00:38:05.580Z',
    batchSize: 500,
    streamArn: 'arn:aws:kinesis:us-east-2:123456789012:stream/mystream',
  },
};

const dead = (value: string, headers: Message['headers'] = []): Message => ({
  channel: 'failures',
  partition: null,
  offset: null,
  id: '1',
  key: null,
  value: Buffer.from(value),
  headers,
  properties: {},
  timestamp: null,
  timestampType: null,
  delivery: { count: null, redelivered: null },
  deadLetter: null,
});

test('what a Lambda event-source mapping of a stream gave up on is a failure with its origin', () => {
  assert.deepEqual(readFailure(dead(JSON.stringify(record)), null), {
    reason: 'RetryAttemptsExhausted',
    class: 'Unhandled',
    message: null,
    attempts: 1,
    origin: {
      channel: 'mystream',
      partition: 'shardId-000000000001',
      offset: '49601189658422359378836298521827638475320189012309704722',
    },
    consumer: 'arn:aws:lambda:us-east-2:123456789012:function:myfunction',
    at: Date.UTC(2019, 10, 14, 0, 38, 6, 21),
    stack: null,
    routingKey: null,
    standsFor: {
      channel: 'mystream',
      partition: 'shardId-000000000001',
      first: '49601189658422359378836298521827638475320189012309704722',
      last: '49601189658422359378836298522902373528957594348623495186',
    },
    sentAt: null,
  });
});

test('a body that only looks like one, or is broken, is no failure', () => {
  for (const text of [
    '{"total":7}',
    '{"KinesisBatchInfo":',
    '"KinesisBatchInfo"',
    '{"KinesisBatchInfo":7}',
    '[]',
  ])
    assert.equal(readFailure(dead(text), null), null, text);
});

test('a header says it before a body does', () => {
  const headers = [{ name: 'mqctl-dead-letter-reason', value: Buffer.from('given up') }];
  assert.equal(readFailure(dead(JSON.stringify(record), headers), null)?.reason, 'given up');
});
