import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childEnvironment } from '../../../src/lib/config/child-environment.ts';
import { fieldsOfUrl, type Context } from '../../../src/lib/config/context.ts';

test('a command for messages gets the environment without what the context takes its secrets from', () => {
  const context: Context = {
    name: 'prod',
    url: 'amqps://rabbit',
    origin: { kind: 'own', file: '/contexts.yaml' },
    readOnly: false,
    protected: false,
    resolvedTopic: null,
    fields: {
      ...fieldsOfUrl('amqps://rabbit'),
      password: '${env:RABBIT_PASSWORD}',
      sasl: { mechanism: 'PLAIN', fields: { token: 'a${env:TOKEN}b$${env:HOME}' } },
    },
  };
  const environment = {
    PATH: '/bin',
    HOME: '/home/me',
    RABBIT_PASSWORD: 'secret',
    TOKEN: 'secret',
    MQCTL_CONTEXT: 'amqp://me:secret@rabbit',
    MQCTL_CONFIG: '/contexts.yaml',
    MQCTL_KEY: 'of the one who called',
  };
  assert.deepEqual(childEnvironment(environment, context), {
    PATH: '/bin',
    HOME: '/home/me',
    MQCTL_CONFIG: '/contexts.yaml',
    MQCTL_CONTEXT: 'prod',
  });
});
