import type { SaslOptions } from 'kafkajs/src/network/connection.js';
import { UsageError } from '../../errors.ts';
import type { Connection } from '../driver.ts';
import { oauthBearerProvider } from './sasl-oauthbearer.ts';

const passwordMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];

/** How to log in, in kafkajs' words; null for no login. Throws `UsageError` when something is missing. */
export async function saslOptions(connection: Connection): Promise<SaslOptions | null> {
  const { sasl, username, password } = connection;
  if (sasl === null && username === null) return null;
  const mechanism = (sasl?.mechanism ?? 'PLAIN').toUpperCase();
  const fields = sasl?.fields ?? {};

  if (passwordMechanisms.includes(mechanism)) {
    if (username === null || password === null) {
      throw new UsageError(`SASL ${mechanism} needs a user and a password`, {
        hint: 'put them in the context: "username" and "password"',
      });
    }
    return { mechanism, username, password };
  }
  if (mechanism === 'OAUTHBEARER') {
    const token = fields['token'];
    if (!token)
      throw new UsageError('SASL OAUTHBEARER needs "token"', { hint: 'put it in the context\'s "sasl"' });
    return { mechanism, authenticationProvider: oauthBearerProvider(token) };
  }
  if (mechanism === 'AWS_MSK_IAM') {
    const { mskIamProvider } = await import('./sasl-msk-iam.ts');
    return { mechanism, authenticationProvider: mskIamProvider(fields, process.env) };
  }
  throw new UsageError(`there is no SASL mechanism "${mechanism}" here`, {
    hint: `known are ${[...passwordMechanisms, 'OAUTHBEARER', 'AWS_MSK_IAM'].join(', ')}`,
  });
}
