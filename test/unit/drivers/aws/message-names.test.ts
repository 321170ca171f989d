import assert from 'node:assert/strict';
import test from 'node:test';
import { namesOf, propertyFault } from '../../../../src/lib/drivers/aws/message-names.ts';

const fifo = { fifo: true, byContent: false, system: 'SQS' };

test('a group and an id that are said are sent, bytes as text; in FIFO there is a group where none is said', () => {
  const names = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
  assert.deepEqual(namesOf({ groupId: 'g', deduplicationId: Buffer.from('d') }, fifo), { names });
  assert.deepEqual(namesOf({ deduplicationId: 'd', groupId: null }, fifo), {
    names: { ...names, MessageGroupId: 'mqctl' },
  });
});

test('a group or an id that is no text is refused, never left out', () => {
  assert.deepEqual(namesOf({ groupId: { type: 'int32', value: '7' } }, fifo), {
    fault: 'property groupId: SQS takes a text, not a value of type "int32"',
  });
  assert.deepEqual(namesOf({ groupId: 'g', deduplicationId: [] }, fifo), {
    fault: 'property deduplicationId: SQS takes a text, not a list',
  });
  assert.deepEqual(namesOf({ groupId: [] }, { ...fifo, fifo: false }), {
    fault: 'property groupId: SQS takes a text, not a list',
  });
});

test('so is any other property that is sent as text', () => {
  assert.equal(propertyFault({ other: [] }, ['subject'], 'SNS'), null);
  assert.equal(
    propertyFault({ subject: { type: 'bytes', value: Buffer.from('s') } }, ['subject'], 'SNS'),
    'property subject: SNS takes a text, not a value of type "bytes"',
  );
});
