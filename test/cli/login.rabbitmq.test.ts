import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { assertRefused, secret, silentServer } from './refused-login.ts';

const skip = without('rabbitmq');
const required = process.env['MQCTL_TEST_SERVERS'] === 'required';
const tls = process.env['MQCTL_TEST_RABBITMQ_TLS'];
const skipTls =
  skip !== false
    ? skip
    : tls === undefined && !required
      ? 'the RabbitMQ that is named has no TLS: set MQCTL_TEST_RABBITMQ_TLS'
      : false;

/** The address without its login. */
function bare(address: string, change: (url: URL) => void = () => undefined): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  change(url);
  return url.href;
}

test('a wrong password is exit 4 and one line', { skip }, () =>
  assertRefused(
    { url: bare(addressOf('rabbitmq')), username: 'guest', password: secret },
    /mqctl: .*(refused|login|access)/i,
  ),
);

test('a user that is not there is exit 4 and one line', { skip }, () =>
  assertRefused(
    { url: bare(addressOf('rabbitmq')), username: 'nobody', password: secret },
    /mqctl: .*(refused|login|access)/i,
  ),
);

test('a wrong password in the address is not printed either', { skip }, () => {
  const { host } = new URL(addressOf('rabbitmq'));
  return assertRefused({ url: `amqp://guest:${encodeURIComponent(secret)}@${host}/` }, /mqctl: /);
});

test('a virtual host that is not there is exit 4 and named', { skip }, () =>
  assertRefused(
    {
      url: bare(addressOf('rabbitmq'), (url) => (url.pathname = '/nowhere')),
      username: 'guest',
      password: 'guest',
    },
    /mqctl: .*nowhere/,
  ),
);

test('a host that nobody knows is exit 4', { skip }, () =>
  assertRefused(
    { url: 'amqp://no-such-host.invalid:5672/', username: 'guest', password: secret },
    /no-such-host\.invalid/,
  ),
);

test('a port that is closed is exit 4', { skip }, () =>
  assertRefused({ url: 'amqp://127.0.0.1:9/', username: 'guest', password: secret }, /127\.0\.0\.1:9/),
);

test(
  'a host that takes the connection and says nothing is exit 4 after the time-out',
  { skip },
  async (t) => {
    const port = (await silentServer(t)).toString();
    await assertRefused(
      { url: `amqp://127.0.0.1:${port}/`, username: 'guest', password: secret },
      new RegExp(`127\\.0\\.0\\.1:${port}`),
      '1s',
    );
  },
);

test('TLS to a port that does not speak it is exit 4', { skip }, () =>
  assertRefused(
    { url: bare(addressOf('rabbitmq')).replace('amqp:', 'amqps:'), username: 'guest', password: secret },
    /mqctl: /,
  ),
);

test('an untrusted certificate is exit 4 and says so', { skip: skipTls }, () =>
  assertRefused({ url: bare(tls ?? ''), username: 'guest', password: secret }, /mqctl: .*certificate/i),
);
