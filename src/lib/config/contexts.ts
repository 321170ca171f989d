/** All contexts of this user and of the project around the working folder, and which one is the current one. */
import { readContextFile, parseContextFile } from './context-file.ts';
import type { ContextFields, ContextOrigin, Resolving } from './context.ts';
import { contextFile, stateFolder } from './folders.ts';
import { readSmallFile } from './private-file.ts';
import { findProjectFile } from './project-file.ts';
import { isTrusted } from './trust.ts';

export interface KnownContext {
  readonly name: string;
  readonly origin: Exclude<ContextOrigin, { kind: 'url' }>;
  readonly fields: ContextFields;
}

export interface KnownContexts {
  readonly byName: ReadonlyMap<string, KnownContext>;
  /** Named by `MQCTL_CONTEXT`, a trusted project, or the user's file, in this order. */
  readonly current: string | null;
  /** What says so: `MQCTL_CONTEXT`, or a file. */
  readonly currentFrom: string | null;
  readonly ownFile: string;
  readonly projectFile: { readonly file: string; readonly trusted: boolean } | null;
  /** Names of an untrusted project that the user's own file has, too: the user's own hold. */
  readonly refused: readonly string[];
}

type Sources = Pick<Resolving, 'environment' | 'directory'>;

/** Reads the files; runs, resolves and asks nothing, so that completion may call it. Throws `UsageError`. */
export async function knownContexts({ environment, directory }: Sources): Promise<KnownContexts> {
  const ownFile = contextFile(environment);
  const own = await readContextFile(ownFile);
  const project = await readProject(directory, stateFolder(environment));

  const byName = new Map<string, KnownContext>();
  for (const [name, fields] of own?.contexts ?? [])
    byName.set(name, { name, origin: { kind: 'own', file: ownFile }, fields });
  const refused: string[] = [];
  for (const [name, fields] of project?.content.contexts ?? []) {
    const { file, trusted } = project ?? { file: '', trusted: false };
    if (!trusted && byName.has(name)) refused.push(name);
    else byName.set(name, { name, origin: { kind: 'project', file, trusted }, fields });
  }

  const chosen = [
    { name: environment['MQCTL_CONTEXT'], from: 'MQCTL_CONTEXT' },
    // Else a clone could turn every command inside it towards a server of its own.
    { name: project?.trusted === true ? project.content.current : null, from: project?.file ?? '' },
    { name: own?.current, from: ownFile },
  ].find(({ name }) => typeof name === 'string' && name !== '');
  return {
    byName,
    current: chosen?.name ?? null,
    currentFrom: chosen?.from ?? null,
    ownFile,
    projectFile: project === null ? null : { file: project.file, trusted: project.trusted },
    refused,
  };
}

async function readProject(directory: string, state: string) {
  const file = await findProjectFile(directory);
  const text = file === null ? null : await readSmallFile(file);
  if (file === null || text === null) return null;
  const trusted = await isTrusted(state, file, text);
  return { file, trusted, content: await parseContextFile(text, file) };
}
