/** Certificates for a test's TLS listener, made by openssl: an authority of its own and a server at 127.0.0.1. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificates {
  /** Paths of PEM files. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes them in `folder`; valid for `localhost` and 127.0.0.1. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  const path = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const openssl = (...options: string[]) => run('openssl', options);
  const authority = ['-keyout', path('authority.key'), '-out', path('authority.pem')];
  await openssl('req', '-x509', ...newKey, '-days', '30', '-subj', '/CN=mqctl test authority', ...authority);
  const request = ['-keyout', path('server.key'), '-out', path('server.csr')];
  await openssl('req', ...newKey, '-subj', '/CN=localhost', ...request);
  await writeFile(path('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signer = ['-CA', path('authority.pem'), '-CAkey', path('authority.key'), '-CAcreateserial'];
  const signed = ['-in', path('server.csr'), '-out', path('server.pem'), '-extfile', path('server.ext')];
  await openssl('x509', '-req', '-days', '30', ...signer, ...signed);
  return { authority: path('authority.pem'), certificate: path('server.pem'), key: path('server.key') };
}
