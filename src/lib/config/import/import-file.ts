/** `context add --from FILE`: which tool's file it is, told by its name or its content. */
import { basename, dirname, resolve } from 'node:path';

import { UsageError } from '../../errors.ts';
import { readSmallFile } from '../private-file.ts';
import type { Imported, ImportRequest } from './imported.ts';

type Reader = (request: ImportRequest) => Imported | Promise<Imported>;

export const importFormats = ['properties', 'kcat', 'rabbitmqadmin', 'nats', 'rpk'] as const;

export type ImportFormat = (typeof importFormats)[number];

const readers: Readonly<Record<ImportFormat, () => Promise<Reader>>> = {
  properties: async () => (await import('./kafka-properties.ts')).importJavaProperties,
  kcat: async () => (await import('./kafka-properties.ts')).importKcatConf,
  rabbitmqadmin: async () => (await import('./rabbitmqadmin.ts')).importRabbitmqadmin,
  nats: async () => (await import('./nats-context.ts')).importNatsContext,
  rpk: async () => (await import('./rpk-profile.ts')).importRpkProfile,
};

/** Throws `UsageError` for a file that is not there or is none of these; never with a value of the file. */
export async function importFile(
  path: string,
  section: string | null,
  format: ImportFormat | null,
): Promise<Imported> {
  const full = resolve(path);
  const text = await readSmallFile(full);
  if (text === null) throw new UsageError(`there is no file ${path}`);
  const read = await readers[format ?? formatOf(basename(path), text)]();
  try {
    return await read({ text, folder: dirname(full), section });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${path}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

function formatOf(name: string, text: string): ImportFormat {
  if (name.endsWith('.properties')) return 'properties';
  if (/^\s*\{/.test(text)) return 'nats';
  if (/^(?:kafka_api|profiles):/m.test(text)) return 'rpk';
  if (/^\s*\[[^\]]+\]\s*$/m.test(text)) return 'rabbitmqadmin';
  if (
    name === 'kcat.conf' ||
    /^\s*(?:metadata\.broker\.list|sasl\.username|ssl\.ca\.location)\s*=/m.test(text)
  )
    return 'kcat';
  if (/^\s*bootstrap\.servers\s*[=:]/m.test(text)) return name.endsWith('.conf') ? 'kcat' : 'properties';
  throw new UsageError(`${name} is none of the files that are understood`, {
    hint: 'those of Java clients, kcat, rabbitmqadmin, nats and rpk are: say which with --format',
  });
}
