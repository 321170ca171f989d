import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import type { Failure } from '../../../src/lib/dlq/failure.ts';
import { fingerprint } from '../../../src/lib/dlq/fingerprint.ts';
import { maskMessage } from '../../../src/lib/dlq/masking.ts';
import { applicationFrame } from '../../../src/lib/dlq/stack-frame.ts';

const failure: Failure = {
  reason: null,
  class: 'java.lang.IllegalStateException',
  message: 'no price for order 42',
  attempts: 1,
  origin: { channel: 'orders', partition: '0', offset: '1' },
  consumer: 'billing',
  at: 1,
  stack: null,
  sentAt: null,
  routingKey: null,
};

test('ten thousand failures of 25 causes with random ids, times, hosts and lines are 25 fingerprints', () => {
  const classes = [
    'java.net.SocketTimeoutException',
    'com.acme.OrderException',
    'System.TimeoutException',
    'KeyError',
    'Error',
  ];
  const sentences = ['timed out after', 'no customer', 'cannot read', 'refused by', 'conflict on'];
  const random = (most: number): number => Math.floor(Math.random() * most);
  const seen = new Map<string, Set<string>>();
  for (let number = 0; number < 10_000; number += 1) {
    const cause = number % 25;
    const exception = classes[cause % 5] ?? '';
    const sentence = sentences[Math.floor(cause / 5)] ?? '';
    const message = [
      sentence,
      crypto.randomUUID(),
      `order ${random(1e9).toString()} (ORD${random(1e6).toString(36)}7)`,
      `at ${new Date(random(1e12)).toISOString()}`,
      `from node-${random(100).toString()}.eu.internal:${(1000 + random(60_000)).toString()} 10.${random(256).toString()}.0.${random(256).toString()}`,
      `"${random(1e9).toString(36)}" 0x${random(1e9).toString(16)} ${Math.random().toString()}`,
    ].join(' ');
    const stack = `${exception}: ${message}\n\tat java.base/java.lang.Thread.run(Thread.java:${random(999).toString()})\n\tat com.acme.Service${(cause % 5).toString()}.call(Service.java:${random(999).toString()})`;
    const { id } = fingerprint({ ...failure, class: exception, message, stack });
    const known = seen.get(id) ?? new Set();
    known.add(cause.toString());
    seen.set(id, known);
  }
  assert.equal(seen.size, 25);
  assert.ok([...seen.values()].every((causes) => causes.size === 1));
});

test('a number with an exponent is a number', () => {
  assert.equal(maskMessage('ratio 5.3e-7'), maskMessage('ratio 0.25'));
});

test('causes that differ only in class, origin, consumer or frame stay apart', () => {
  const variants: Partial<Failure>[] = [
    {},
    { class: 'java.lang.IllegalArgumentException' },
    { origin: { channel: 'payments', partition: '0', offset: '1' } },
    { consumer: 'shipping' },
    { stack: 'x\n\tat com.acme.Price.find(Price.java:3)' },
    { message: null, reason: 'expired' },
  ];
  const ids = new Set(variants.map((variant) => fingerprint({ ...failure, ...variant }).id));
  assert.equal(ids.size, variants.length);
});

test('attempts, times and offsets make no difference, and the id is the same on every machine', () => {
  const other = {
    ...failure,
    attempts: 9,
    at: 99,
    sentAt: 7,
    origin: { channel: 'orders', partition: '5', offset: '77' },
  };
  assert.equal(fingerprint(other).id, fingerprint(failure).id);
  assert.equal(fingerprint(failure).id, '41e220e12780');
});

test('what is masked', () => {
  const cases = {
    'order 42 of 3,5 kg': 'order <number> of <number> kg',
    'user ann@example.com': 'user <value>',
    'at 2026-11-20T10:00:00.123Z and 10:00:01': 'at <time> and <time>',
    'id 0198c1f2-7b1e-7c3d-8000-0123456789ab': 'id <uuid>',
    'field "total" of \'order\' and `x`': 'field <value> of <value> and <value>',
    "can't connect to broker-7.prod.internal:9092": "can't connect to <host>",
    'GET https://api.example.com/a?b=1 failed': 'GET <address> failed',
    'ref ORD-81f3x not found': 'ref <id> not found',
    'two\n  lines': 'two lines',
    'Überweisung fehlgeschlagen': 'Überweisung fehlgeschlagen',
  };
  for (const [message, masked] of Object.entries(cases)) assert.equal(maskMessage(message), masked);
});

test('masking takes no longer for hostile text', () => {
  for (const piece of ['a', '1', '-', "'", '"', 'a.', '1.', 'a:', '@', 'a1-', '0x', '://', '\u0000'])
    maskMessage(piece.repeat(100_000));
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => void maskMessage(text)));
});

test('the first frame of the application, without lines', () => {
  const cases: Readonly<Record<string, string | null>> = {
    'java.lang.X: y\n\tat java.base/java.util.List.get(List.java:1)\n\tat org.springframework.X.y(X.java:2)\n\tat app//com.acme.Orders.price(Orders.java:12)':
      'com.acme.Orders.price',
    'java.lang.X\n\tat com.acme.Orders$$Lambda$14/0x0000.apply(Unknown Source)': 'com.acme.Orders$lambda',
    '   at System.Linq.First()\n   at Acme.Orders.Price(String id) in /src/Orders.cs:line 12':
      'Acme.Orders.Price',
    'Error: no\n    at node:internal/process:1:2\n    at price (/app/node_modules/x/i.js:1:2)\n    at async Orders.price (/app/orders.js:10:5)':
      'Orders.price',
    'Error\n    at /app/orders.js:12:5': 'orders.js',
    'Traceback (most recent call last):\n  File "/app/main.py", line 3, in run\n    x()\n  File "/app/orders.py", line 12, in price\n    y()\n  File "/usr/lib/python3.11/site-packages/a.py", line 1, in b':
      'orders.py:price',
    'panic: no\n\ngoroutine 1 [running]:\ngithub.com/acme/orders.Price(0xc000, 0x1)\n\t/app/orders.go:12':
      'github.com/acme/orders.Price',
    'java.lang.X\n\tat java.base/java.util.List.get(List.java:1)': 'java.util.List.get',
    'no stack at all': null,
  };
  for (const [stack, frame] of Object.entries(cases)) assert.equal(applicationFrame(stack), frame, stack);
  assert.equal(applicationFrame(null), null);
});

test('a hostile stack is read in bounded time', () => {
  for (const piece of ['at (', 'at a(', 'File "', '\n', 'at a.b.c/', '((((', 'at x(y)\n'])
    applicationFrame(piece.repeat(200_000));
  for (const piece of ['.(', 'a.(', '(.', './'])
    applicationFrame(`${piece.repeat(999 / piece.length)}\u0000\n`.repeat(100));
});

test('the function of a frame of Go ends at the last parenthesis that can open its arguments', () => {
  const cases: Readonly<Record<string, string | null>> = {
    'acme.(*Cart).Price(0x1, {0x2})': 'acme.(*Cart).Price',
    'acme.Run(acme/x(1)': 'acme.Run',
    'acme.Run(x.y(1)': 'acme.Run(x.y',
    'a/b.c/d(1)': null,
    '.a(1)': null,
    'main.main()': 'main.main',
    'acme.Run(1))': null,
  };
  for (const [line, frame] of Object.entries(cases)) assert.equal(applicationFrame(line), frame, line);
});
