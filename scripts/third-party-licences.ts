/** The licence texts of the libraries that a bundle holds: whoever gets the bundle has to get them, too. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

interface Library {
  readonly name: string;
  readonly version: string;
  /** The texts that lie in its package; empty where none does. */
  readonly texts: readonly string[];
  /** By the terms of its manifest, as an SPDX expression. */
  readonly terms: string;
  /** Where its source is, by its manifest. */
  readonly home: string;
}

/**
 * One text: which libraries are in the bundle, then each licence with those that are under it. Throws where a library
 * neither holds a licence nor names one.
 */
export async function thirdPartyLicences({ outputs }: Metafile): Promise<string> {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = new Set(files.flatMap((file) => folderOfLibrary(file) ?? []));
  const read = await Promise.all([...folders].map(readLibrary));
  // One that lies in several folders is told once.
  const libraries = [...new Map(read.map((library) => [nameOf(library), library])).values()].sort(
    (one, other) => (nameOf(one) < nameOf(other) ? -1 : 1),
  );
  const byText = new Map<string, Library[]>();
  for (const library of libraries)
    for (const text of library.texts.length > 0 ? library.texts : [withoutText(library)])
      byText.set(text, [...(byText.get(text) ?? []), library]);
  const sections = [...byText].map(([text, under]) => `${under.map(nameOf).join('\n')}\n\n${text}`);
  return `mqctl holds code of these libraries:\n\n${[
    libraries.map((library) => `${nameOf(library)} (${library.terms})`).join('\n'),
    ...sections,
  ].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** `node_modules/@scope/name` of a file below it; null for a file of ours. */
function folderOfLibrary(file: string): string | null {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? null;
}

async function readLibrary(folder: string): Promise<Library> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  const texts = await Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
  const name = textAt(manifest, 'name');
  const terms = textAt(manifest, 'license');
  if (name === null || (texts.length === 0 && terms === null))
    throw new Error(`${folder} is bundled, and says nothing of its licence`);
  return {
    name,
    version: textAt(manifest, 'version') ?? '',
    terms: terms ?? 'see its licence',
    home: textAt(manifest, 'repository', 'url') ?? textAt(manifest, 'repository') ?? name,
    texts: texts.map((text) => text.replaceAll('\r\n', '\n').trim()),
  };
}

function textAt(value: unknown, ...path: readonly string[]): string | null {
  const [key, ...rest] = path;
  if (key === undefined) return typeof value === 'string' ? value : null;
  const entry = Object.entries(value ?? {}).find(([name]) => name === key);
  return entry === undefined ? null : textAt(entry[1], ...rest);
}

/** What its manifest says, where it brings no text along. */
function withoutText({ terms, home }: Library): string {
  return `Licensed under ${terms}. Its package holds no text of that: see ${home}`;
}

function nameOf({ name, version }: Library): string {
  return `${name} ${version}`;
}
