import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Names in the folder that `makeCertificates` fills. */
export const certificateFiles = {
  ca: 'ca.crt',
  /** A second authority that signed nothing. */
  strangerCa: 'stranger-ca.crt',
  /** Key and certificate in one, as Kafka's PEM key store wants them. */
  server: 'server.pem',
  serverCertificate: 'server.crt',
  serverKey: 'server.key',
  clientCertificate: 'client.crt',
  clientKey: 'client.key',
} as const;

/** Throw-away certificates by openssl: an authority, a server for localhost and 127.0.0.1, a client CN=client. */
export async function makeCertificates(folder: string): Promise<void> {
  await authority(folder, 'ca', 'mqctl test authority');
  await authority(folder, 'stranger-ca', 'a stranger');
  await signed(folder, 'server', 'localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await signed(folder, 'client', 'client', 'extendedKeyUsage=clientAuth\n');
  const [key, certificate] = await Promise.all([
    readFile(join(folder, certificateFiles.serverKey), 'utf8'),
    readFile(join(folder, certificateFiles.serverCertificate), 'utf8'),
  ]);
  await writeFile(join(folder, certificateFiles.server), key + certificate);
}

async function authority(folder: string, name: string, commonName: string): Promise<void> {
  await openssl(folder, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${commonName}`],
  ]);
}

async function signed(folder: string, name: string, commonName: string, extensions: string): Promise<void> {
  await writeFile(join(folder, `${name}.ext`), extensions);
  await openssl(folder, [
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${commonName}`],
  ]);
  await openssl(folder, [
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '2', '-out', `${name}.crt`, '-extfile', `${name}.ext`],
  ]);
}

async function openssl(folder: string, words: readonly string[]): Promise<void> {
  await run('openssl', words, { cwd: folder, timeout: 30_000 });
}
