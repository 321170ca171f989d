import type { SaslOptions } from 'kafkajs/src/network/connection.js';
import { withLength, withoutLength } from './sasl-bytes.ts';

/**
 * SASL OAUTHBEARER (RFC 7628, KIP-255). A refused token is answered with a reason as if it were a challenge; only after one
 * more message of the client's does the broker say that the login failed (section 3.2.3). kafkajs stops before that and
 * takes the reason for a success.
 */
export function oauthBearerProvider(token: string): NonNullable<SaslOptions['authenticationProvider']> {
  return ({ saslAuthenticate }) => ({
    authenticate: async () => {
      const say = (text: string): Promise<unknown> =>
        saslAuthenticate({
          request: { encode: async () => withLength(Buffer.from(text)) },
          response: { decode: async (payload) => withoutLength(payload), parse: async (bytes) => bytes },
        });
      const reason = await say(`n,,\u0001auth=Bearer ${token}\u0001\u0001`);
      if (!Buffer.isBuffer(reason) || reason.length === 0) return;
      await say('\u0001');
      // The broker should have failed that message: then its own error came before this one.
      const refused = new Error(reason.toString());
      throw Object.assign(refused, { type: 'SASL_AUTHENTICATION_FAILED' });
    },
  });
}
