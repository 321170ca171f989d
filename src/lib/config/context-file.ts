/** Reads and edits a context file. Editing keeps comments, order and everything else of the file as it was. */
import type * as Yaml from 'yaml';

import { NotFoundError, UsageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { ContextFields } from './context.ts';
import {
  contextName,
  readFileContent,
  type ContextFileContent,
  type KeyPath,
  type Refuse,
} from './context-schema.ts';
import { readSmallFile, replaceFile } from './private-file.ts';

/** Null when there is no such file. Throws `UsageError` with line and column, never with a value of the file. */
export async function readContextFile(path: string): Promise<ContextFileContent | null> {
  const text = await readSmallFile(path);
  return text === null ? null : parseContextFile(text, path);
}

/** `path` is for errors. Throws `UsageError`. */
export async function parseContextFile(text: string, path: string): Promise<ContextFileContent> {
  return contentOf(await parseDocument(text, path));
}

/** Adds a context, or replaces it where `replace`. The first one becomes the current one. Throws `UsageError`. */
export async function addContext(
  path: string,
  name: string,
  fields: ContextFields,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  if (!contextName.test(name))
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a context`, {
      hint: 'use letters, digits, ".", "_" and "-"',
    });
  await edit(path, (document, content) => {
    if (content.contexts.has(name) && !replace)
      throw new UsageError(`there is a context "${name}" already in ${path}`, {
        hint: 'say --replace to replace it',
      });
    document.setIn(['contexts', name], document.createNode(writtenFields(fields)));
    if (content.contexts.size === 0 && content.current === null) document.setIn(['current'], name);
  });
}

/** Removes a context; what was the current one is none then. Throws `NotFoundError`. */
export async function removeContext(path: string, name: string): Promise<void> {
  await edit(path, (document, content) => {
    requireIn(content, name, path);
    document.deleteIn(['contexts', name]);
    if (content.current === name) document.deleteIn(['current']);
  });
}

/** Makes a context the current one. Throws `NotFoundError`. */
export async function useContext(path: string, name: string): Promise<void> {
  await edit(path, (document, content) => {
    requireIn(content, name, path);
    document.setIn(['current'], name);
  });
}

/** Throws `NotFoundError` when the file has no such context. */
export async function requireContext(path: string, name: string): Promise<void> {
  requireIn((await readContextFile(path)) ?? { current: null, contexts: new Map() }, name, path);
}

function requireIn(content: ContextFileContent, name: string, path: string): void {
  if (content.contexts.has(name)) return;
  const meant = nearest(name, [...content.contexts.keys()]);
  throw new NotFoundError('context', name, path, {
    hint: meant === null ? 'mqctl context ls shows those there are' : `did you mean "${meant}"?`,
  });
}

/** What is worth writing down: nothing that is null, empty or false. */
export function writtenFields(fields: ContextFields): Readonly<Record<string, unknown>> {
  const { sasl } = fields;
  return withoutEmpty({
    ...fields,
    sasl: sasl === null ? null : { mechanism: sasl.mechanism, ...sasl.fields },
  });
}

function withoutEmpty(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || value === false) continue;
    if (typeof value !== 'object') kept[key] = value;
    else {
      const inner = withoutEmpty({ ...value });
      if (Object.keys(inner).length > 0) kept[key] = inner;
      else if (key === 'tls') kept[key] = true;
    }
  }
  return kept;
}

interface Parsed {
  readonly document: Yaml.Document;
  readonly refuse: Refuse;
}

async function parseDocument(text: string, path: string): Promise<Parsed> {
  const yaml = await import('yaml'); // 33 ms that a URL does not need
  const lines = new yaml.LineCounter();
  // prettyErrors would quote the line, and with it a password.
  const document: Yaml.Document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
  });
  const problem = document.errors[0];
  if (problem !== undefined)
    throw new UsageError(`${place(path, lines, problem.pos[0])}: no YAML: ${yamlProblem(problem.code)}`);
  const refuse: Refuse = (keys, message, hint) => {
    const at = positionOf(yaml, document, keys);
    throw new UsageError(`${place(path, lines, at)}: ${message}`, hint === undefined ? {} : { hint });
  };
  return { document, refuse };
}

function contentOf({ document, refuse }: Parsed): ContextFileContent {
  let plain: unknown;
  try {
    plain = document.toJS(); // ends at a hundred aliases, so that a small file cannot become a huge one
  } catch {
    refuse([], 'an alias without its anchor, or too many of them');
  }
  return readFileContent(plain, refuse);
}

async function edit(
  path: string,
  change: (document: Yaml.Document, content: ContextFileContent) => void,
): Promise<void> {
  const parsed = await parseDocument((await readSmallFile(path)) ?? '', path);
  change(parsed.document, contentOf(parsed));
  const text = parsed.document.toString({ lineWidth: 0 });
  await parseContextFile(text, path); // what could not be read again is not written
  await replaceFile(path, text);
}

function place(path: string, lines: Yaml.LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}

/** `BAD_INDENT` → `bad indent`: the parser's sentences may hold the text itself. */
function yamlProblem(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

/** Where the last key of the path that is there stands. */
function positionOf(yaml: typeof Yaml, document: Yaml.Document, keys: KeyPath): number {
  let at = 0;
  let node: unknown = document.contents;
  for (const key of keys) {
    if (!yaml.isMap(node)) break;
    const pair = node.items.find((item) => yaml.isScalar(item.key) && String(item.key.value) === key);
    if (pair === undefined) break;
    if (yaml.isScalar(pair.key)) at = pair.key.range?.[0] ?? at;
    node = yaml.isAlias(pair.value) ? pair.value.resolve(document) : pair.value;
  }
  return at;
}
