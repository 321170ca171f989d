import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProblems, parseNode } from '../../../../src/lib/drivers/rabbitmq/cluster.ts';
import { listener, node } from './management-answers.ts';

test('a node has its address and version', () => {
  assert.deepEqual(parseNode(node, [listener]), {
    node: 'rabbit@localhost',
    address: '127.0.0.1:35672',
    version: '4.0.5',
    role: null,
    running: true,
  });
});

test('an IPv6 address of a node stands in brackets', () => {
  assert.equal(parseNode(node, [{ ...listener, ip_address: '::' }]).address, '[::]:35672');
});

test('nothing is wrong with a node that is well', () => {
  assert.deepEqual(nodeProblems(node), []);
});

test('each thing that is wrong is a sentence', () => {
  const [memory] = nodeProblems({ ...node, mem_alarm: true });
  assert.match(memory ?? '', /^memory alarm on rabbit@localhost: 113 MiB used of 954 MiB/);
  const [disk] = nodeProblems({ ...node, disk_free_alarm: true });
  assert.match(disk ?? '', /^disk alarm on rabbit@localhost/);
  const [partition] = nodeProblems({ ...node, partitions: ['rabbit@two'] });
  assert.match(partition ?? '', /does not see rabbit@two/);
  const [files] = nodeProblems({ ...node, fd_used: 19_000 });
  assert.match(files ?? '', /95 % of its file descriptors/);
  const [drained] = nodeProblems({ ...node, being_drained: true });
  assert.match(drained ?? '', /maintenance/);
});

test('a node that does not run is down, and nothing else is told of it', () => {
  assert.deepEqual(nodeProblems({ name: 'rabbit@two', running: false, mem_alarm: true }), [
    'node rabbit@two is down',
  ]);
});
