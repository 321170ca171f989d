import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson, isObject, isList } from '../../src/lib/schema/json/document.ts';
import type { JsonValue } from '../../src/lib/message/record.ts';

const folder = import.meta.dirname;

/** One question of the containment suite: is everything of `writer` in `reader`? */
export interface ContainmentCase {
  readonly key: string;
  readonly reader: JsonValue;
  readonly writer: JsonValue;
  readonly contained: boolean;
}

export function containmentCases(): ContainmentCase[] {
  const root = join(folder, 'json-containment', 'draft7');
  return readdirSync(root).flatMap((kind) =>
    readdirSync(join(root, kind)).flatMap((file) =>
      list(join(root, kind, file)).flatMap((given) => {
        const tests = isObject(member(given, 'tests')) ? member(given, 'tests') : null;
        const key = `${kind}/${file} ${text(member(given, 'id'))}`;
        const [one, other] = [member(given, 'schema1') ?? null, member(given, 'schema2') ?? null];
        const forth = member(tests, 's1SubsetEqOfs2');
        const back = member(tests, 's2SubsetEqOfs1');
        return [
          ...(typeof forth === 'boolean' ? [{ key, writer: one, reader: other, contained: forth }] : []),
          ...(typeof back === 'boolean'
            ? [{ key: `${key} reversed`, writer: other, reader: one, contained: back }]
            : []),
        ];
      }),
    ),
  );
}

export interface ApicurioCase {
  /** Numbered: names repeat. */
  readonly key: string;
  readonly original: JsonValue;
  readonly updated: JsonValue;
  readonly compatibility: string;
}

export function apicurioCases(): ApicurioCase[] {
  const given = read(join(folder, 'json-apicurio', 'jsonschema-compatibility-test-data.json'));
  const tests = member(given, 'tests');
  return (isList(tests) ? tests : []).map((test, index) => ({
    key: `${index.toString()} ${text(member(test, 'id'))}`,
    original: member(test, 'original') ?? null,
    updated: member(test, 'updated') ?? null,
    compatibility: text(member(test, 'compatibility')),
  }));
}

export interface ValidationCase {
  readonly key: string;
  readonly schema: JsonValue;
  readonly tests: readonly { readonly key: string; readonly data: JsonValue; readonly valid: boolean }[];
}

const metaSchemas: Readonly<Record<string, string>> = {
  draft4: 'http://json-schema.org/draft-04/schema#',
  draft6: 'http://json-schema.org/draft-06/schema#',
  draft7: 'http://json-schema.org/draft-07/schema#',
  'draft2019-09': 'https://json-schema.org/draft/2019-09/schema',
  'draft2020-12': 'https://json-schema.org/draft/2020-12/schema',
};
export const suiteDrafts = Object.keys(metaSchemas);

/** The required part of the suite: without its `optional` folder. */
export function validationCases(draft: string): ValidationCase[] {
  const root = join(folder, 'json-schema-suite', 'tests', draft);
  return readdirSync(root)
    .filter((name) => name.endsWith('.json'))
    .flatMap((file) =>
      list(join(root, file)).map((group) => {
        const schema = member(group, 'schema') ?? true;
        const key = `${draft} ${file} ${text(member(group, 'description'))}`;
        const tests = member(group, 'tests');
        return {
          key,
          schema: isObject(schema) ? { $schema: metaSchemas[draft] ?? '', ...schema } : schema,
          tests: (isList(tests) ? tests : []).map((test) => ({
            key: `${key}: ${text(member(test, 'description'))}`,
            data: member(test, 'data') ?? null,
            valid: member(test, 'valid') === true,
          })),
        };
      }),
    );
}

/** What the suite serves at http://localhost:1234. */
export function suiteRemotes(draft: string): { readonly name: string; readonly text: string }[] {
  const root = join(folder, 'json-schema-suite', 'remotes');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json') && (!path.startsWith('draft') || path.startsWith(`${draft}/`)))
    .map((path) => ({ name: `http://localhost:1234/${path}`, text: readFileSync(join(root, path), 'utf8') }));
}

/** By key: why it is judged otherwise here. */
export function deviationsOf(corpus: string): ReadonlyMap<string, string> {
  const given = read(join(folder, corpus, 'deviations.json'));
  return new Map(isObject(given) ? Object.entries(given).map(([key, reason]) => [key, text(reason)]) : []);
}

function read(path: string): JsonValue {
  return parseJson(readFileSync(path, 'utf8'));
}

function list(path: string): readonly JsonValue[] {
  const value = read(path);
  return isList(value) ? value : [];
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
