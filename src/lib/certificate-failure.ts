/** What TLS found wrong with a certificate, in words. */
export interface CertificateFailure {
  readonly message: string;
  readonly hint: string;
}

/** Codes of OpenSSL's verification, as Node.js gives them on an error (X509_V_ERR_…), of a chain that ends nowhere. */
const untrusted: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** Alerts with which a server refuses the client's certificate, or that there is none. */
const refused = /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA/i;

/** `at`: the server, for people. `words`: what the error says. null: `code` is about something else. */
export function certificateFailure(code: string, at: string, words: string): CertificateFailure | null {
  if (untrusted.has(code))
    return {
      message: `the certificate of ${at} is not trusted: ${words}`,
      hint: 'set tls.ca in the context to the authority that signed it',
    };
  if (code === 'CERT_HAS_EXPIRED')
    return {
      message: `the certificate of ${at} has expired`,
      hint: 'renew it at the server, or check the clock here',
    };
  if (code === 'CERT_NOT_YET_VALID')
    return { message: `the certificate of ${at} is not valid yet`, hint: 'check the clocks of both sides' };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      message: `the certificate of ${at} is for another name: ${words}`,
      hint: 'use that name in the URL, or set tls.serverName in the context',
    };
  return refused.test(code)
    ? {
        message: `${at} wants another client certificate: ${words}`,
        hint: 'set tls.certificate and tls.key in the context',
      }
    : null;
}
