/**
 * Tests on real servers ask here. The runner (`scripts/test.ts`) starts the servers and puts their addresses into the
 * environment; who has a server running names it there by hand.
 */

const variables = {
  kafka: 'MQCTL_TEST_KAFKA',
  'kafka-secure': 'MQCTL_TEST_KAFKA_SECURE',
  registry: 'MQCTL_TEST_REGISTRY',
  rabbitmq: 'MQCTL_TEST_RABBITMQ',
  sqs: 'MQCTL_TEST_SQS',
  redis: 'MQCTL_TEST_REDIS',
  valkey: 'MQCTL_TEST_VALKEY',
  'redis-cluster': 'MQCTL_TEST_REDIS_CLUSTER',
  kinesis: 'MQCTL_TEST_KINESIS',
  nats: 'MQCTL_TEST_NATS',
  sns: 'MQCTL_TEST_SNS',
} as const;

export type ServerName = keyof typeof variables;

/** The value for `skip` of a test that needs this server: false when it is there, else the reason with the remedy. */
export function without(server: ServerName): string | false {
  const variable = variables[server];
  if (process.env[variable] !== undefined) return false;
  if (process.env['MQCTL_TEST_SERVERS'] === 'required') return false; // then the address below throws: a failure, no skip
  return `no ${server} server: set ${variable}, or run "npm test" where it can be started`;
}

/** The address of the running server. Throws where there is none, which is a failure under `MQCTL_TEST_SERVERS=required`. */
export function addressOf(server: ServerName): string {
  const address = process.env[variables[server]];
  if (address === undefined)
    throw new Error(`${variables[server]} is not set, and MQCTL_TEST_SERVERS=required`);
  return address;
}
