/** From what could not be proved, and from the rules of Confluent's registry, to differences at their spots. */
import type { Comparison, Dialect, Difference, Spot } from '../finding.ts';
import { placeOfPointer, tokensOf } from '../json-pointer.ts';
import type { JsonValue } from '../../message/record.ts';
import { confluentChanges, type ConfluentChange } from './confluent.ts';
import { openObligations, type Accepts } from './containment.ts';
import { draftDoubts } from './known-keywords.ts';
import type { OpenObligation } from './obligation.ts';
import { isList, isObject, type SchemaDocument } from './document.ts';

/** `accepts` is the reader's validator. */
export function compareDocuments(
  reader: SchemaDocument,
  writer: SchemaDocument,
  accepts: Accepts,
): Comparison {
  const { changes, complete } = confluentChanges(reader, writer);
  const open = openObligations(reader, writer, accepts);
  const explained = new Set<ConfluentChange>();
  const differences = open.map((obligation): Difference => {
    const change = changes.find((candidate) => !explained.has(candidate) && isAbout(candidate, obligation));
    if (change !== undefined) explained.add(change);
    const rejectedBy: Partial<Record<Dialect, string>> = { apicurio: ruleOf(obligation) };
    if (change !== undefined) rejectedBy.confluent = change.rule;
    return {
      code: ruleOf(obligation),
      message: sentenceOf(obligation),
      reader: spotOf(reader, obligation.readerPointer),
      writer: spotOf(writer, obligation.writerPointer),
      rejectedBy,
      data: 'may-break',
      suggestion: suggestionOf(obligation),
    };
  });
  const others = changes
    .filter((change) => !explained.has(change))
    .map((change): Difference => ({
      code: change.rule,
      message: `Confluent's registry calls this ${change.rule.toLowerCase().replaceAll('_', ' ')}`,
      reader: spotOf(reader, change.readerPointer),
      writer: spotOf(writer, change.writerPointer),
      rejectedBy: { confluent: change.rule },
      // Where all is proved no value can break, whatever the rule; else the spots that are open say it.
      data: open.length === 0 ? 'compatible' : 'may-break',
      suggestion: null,
    }));
  const cut = complete
    ? []
    : [
        "the schemas branch too much to say all that Confluent's registry would reject: what is listed is not all",
      ];
  return {
    differences: [...differences, ...others],
    unproved: [...doubts(reader, writer), ...draftDoubts(reader, writer), ...cut],
  };
}

/** Keywords that ajv is known to misjudge in some cases: no verdict rests on them in silence. */
function doubts(...documents: readonly SchemaDocument[]): readonly string[] {
  const texts = documents.flatMap(({ source, others }): [name: string, text: string][] => [
    [source.name, source.text],
    ...[...others].map(([name, other]): [string, string] => [name, JSON.stringify(other)]),
  ]);
  const said = texts.flatMap(([name, text]) =>
    ['$dynamicRef', '$recursiveRef', 'unevaluatedProperties', 'unevaluatedItems']
      .filter((keyword) => text.includes(`"${keyword}"`))
      .map((keyword) => `${name} uses ${keyword}, which the validator does not judge right in every case`),
  );
  // Both sides may refer to one file.
  return [...new Set(said)];
}

/** The registry speaks of the schema around the keyword or of a part of it. */
function isAbout(change: ConfluentChange, obligation: OpenObligation): boolean {
  return (
    obligation.readerPointer === change.readerPointer ||
    obligation.readerPointer.startsWith(`${change.readerPointer}/`) ||
    change.readerPointer.startsWith(`${obligation.readerPointer}/`)
  );
}

function ruleOf({ keyword }: OpenObligation): string {
  return keyword === 'not-proved' || keyword === 'too-large'
    ? 'NOT_PROVED'
    : `${keyword
        .replace(/^\$/, '')
        .replaceAll(/([A-Z])/g, '_$1')
        .replaceAll('-', '_')
        .toUpperCase()}_NARROWED`;
}

function sentenceOf({ keyword, readerPointer, readerValue }: OpenObligation): string {
  const tokens = tokensOf(readerPointer);
  const where = tokens.length < 2 ? '' : ` at ${readerPointer}`;
  switch (keyword) {
    case 'required':
      return `${listOf(readerValue)} must be there now${where}, and what was written before may lack it`;
    case 'type':
      return `the type is ${listOf(readerValue)} now${where}, and what was written before may be another`;
    case 'false':
      return `nothing is allowed${where} now, and something may be written there`;
    case 'too-large':
      return 'the schemas are too large for the proof';
    case 'not-proved':
      return 'no rule proves that every value written before is still valid';
    default:
      return `${keyword}${where} demands ${shortOf(readerValue)}, and what was written before need not keep to it`;
  }
}

function suggestionOf({ keyword, readerValue }: OpenObligation): string | null {
  switch (keyword) {
    case 'required':
      return `leave ${listOf(readerValue)} optional`;
    case 'enum':
      return 'keep the values that were allowed';
    case 'type':
      return 'keep the old type beside the new one';
    case 'additionalProperties':
    case 'false':
      return 'leave the object open, or name what is written there';
    default:
      return null;
  }
}

function listOf(value: JsonValue | undefined): string {
  return isList(value) ? value.map((member) => shortOf(member)).join(', ') : shortOf(value);
}

function shortOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return `"${value}"`;
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function spotOf({ source, schema }: SchemaDocument, pointer: string): Spot {
  return {
    schema: source.name,
    pointer,
    place: placeOfPointer(source.name, source.text, pointer),
    value: shortOf(valueAt(schema, pointer)),
  };
}

function valueAt(schema: JsonValue, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = schema;
  for (const token of tokensOf(pointer))
    value = isList(value) ? value[Number(token)] : isObject(value) ? value[token] : undefined;
  return value;
}
