import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { startKafkaServer } from './kafka-server.ts';
import type { RunningBroker } from './running-broker.ts';
import { certificateFiles, makeCertificates } from './test-certificates.ts';

/** `admin` may do everything; `alice` logs in and may do nothing until an ACL says so. */
export const users = {
  admin: 'admin-secret',
  alice: 'alice-secret',
} as const;

const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
const oauth = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';

/**
 * A Kafka with logins, TLS and ACLs. Its listeners:
 * - `MQCTL_TEST_KAFKA_SECURE`: SASL_SSL, with PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (unsigned tokens pass);
 * - `MQCTL_TEST_KAFKA_SECURE_MTLS`: SSL, a client certificate is required;
 * - `MQCTL_TEST_KAFKA_SECURE_PLAINTEXT`: the same logins without TLS.
 *
 * `MQCTL_TEST_KAFKA_SECURE_FILES` is the folder with the certificates, named as in `certificateFiles`.
 */
export async function startSecureKafka(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  const [free, mtls, plaintext, controller] = await freePorts(4);
  const port = options.port ?? free;
  const listeners = (host: string) =>
    `SASL_SSL://${host}:${String(port)},SSL://${host}:${String(mtls)},SASL_PLAINTEXT://${host}:${String(plaintext)}`;
  const passwords = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);

  const server = await startKafkaServer({
    prepare: async (folder) => {
      await mkdir(join(folder, 'tls'));
      await makeCertificates(join(folder, 'tls'));
    },
    format: Object.entries(users).flatMap(([name, password]) => [
      ...['--add-scram', `SCRAM-SHA-256=[name=${name},password=${password}]`],
      ...['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`],
    ]),
    properties: (folder) => ({
      'controller.quorum.voters': `1@127.0.0.1:${String(controller)}`,
      listeners: `${listeners('127.0.0.1')},CONTROLLER://127.0.0.1:${String(controller)}`,
      'advertised.listeners': listeners('localhost'),
      'listener.security.protocol.map':
        'SASL_SSL:SASL_SSL,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'SASL_SSL',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
      ...mechanisms('sasl_ssl', passwords),
      ...mechanisms('sasl_plaintext', passwords),
      // The broker's own login to itself.
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${scram} username="admin" password="${users.admin}";`,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': join(folder, 'tls', certificateFiles.server),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': join(folder, 'tls', certificateFiles.ca),
      'listener.name.ssl.ssl.client.auth': 'required',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // ANONYMOUS is the controller's listener, which has no login.
      'super.users': 'User:admin;User:CN=client;User:ANONYMOUS',
    }),
  });
  const local = (listener: number | undefined) => `localhost:${String(listener)}`;
  return {
    address: local(port),
    environment: {
      MQCTL_TEST_KAFKA_SECURE: local(port),
      MQCTL_TEST_KAFKA_SECURE_MTLS: local(mtls),
      MQCTL_TEST_KAFKA_SECURE_PLAINTEXT: local(plaintext),
      MQCTL_TEST_KAFKA_SECURE_FILES: join(server.folder, 'tls'),
    },
    get pid() {
      return server.pid;
    },
    stop: server.stop,
    kill: server.kill,
    restart: server.restart,
  };
}

function mechanisms(listener: string, passwords: readonly string[]): Record<string, string> {
  const prefix = `listener.name.${listener}`;
  return {
    [`${prefix}.plain.sasl.jaas.config`]: `${plain} ${passwords.join(' ')};`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${scram};`,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${scram};`,
    [`${prefix}.oauthbearer.sasl.jaas.config`]: `${oauth};`,
  };
}
