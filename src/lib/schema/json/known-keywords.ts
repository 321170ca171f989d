/** A keyword that a draft does not know says nothing in it, whatever it says in a newer one. */
import {
  draftIn,
  drafts,
  isObject,
  keywordsOf,
  saidDraft,
  since,
  withSchemasInside,
  type Draft,
  type JsonObject,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';

/** What came until then, ajv applies in every draft; what came later it passes over where the draft does not know it. */
const lastOfAll: Draft = 'draft-07';

function knows(draft: Draft, keyword: string): boolean {
  return drafts.indexOf(since.get(keyword) ?? 'draft-04') <= drafts.indexOf(draft);
}

function ownDraft(file: JsonSchema, { draft }: SchemaDocument): Draft {
  return draftIn(saidDraft(file)) ?? draft;
}

/** Whether it says its draft, and each file that it refers to the same or none: then nobody reads it otherwise. */
function saysOneDraft(document: SchemaDocument): boolean {
  const { schema, draft, others } = document;
  return (
    saidDraft(schema) !== undefined &&
    [...others.values()].every((file) => ownDraft(file, document) === draft)
  );
}

/**
 * The writer for a reader of another draft: a copy without what its own draft passes over, where that is certain. Else it stays as
 * it is, and `draftDoubts` says so.
 */
export function asItsDraftReads(writer: SchemaDocument, reader: SchemaDocument): SchemaDocument {
  const { draft, schema, others } = writer;
  if (draft === reader.draft || !saysOneDraft(writer)) return writer;
  const known = (part: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(part)
        .filter(([keyword]) => knows(draft, keyword) || knows(lastOfAll, keyword))
        .map(([keyword, value]) => [keyword, withSchemasInside(keyword, value, known)]),
    );
  const copy = (part: JsonSchema): JsonSchema => (isObject(part) ? known(part) : part);
  return {
    ...writer,
    schema: copy(schema),
    others: new Map([...others].map(([name, file]) => [name, copy(file)])),
  };
}

/** What one may read as a demand and another pass over, since one draft of this pair knows it and its own does not: a sentence each. */
export function draftDoubts(reader: SchemaDocument, writer: SchemaDocument): readonly string[] {
  return [reader, writer].flatMap((whole) => {
    const certain = saysOneDraft(whole);
    const files = [[whole.source.name, whole.schema] as const, ...whole.others];
    return files.flatMap(([name, file]) => {
      const own = ownDraft(file, whole);
      const inPlay = [own, whole.draft, reader.draft, writer.draft];
      return [...keywordsOf(file)]
        .filter((keyword) => !knows(own, keyword) || !knows(whole.draft, keyword))
        .filter((keyword) => inPlay.some((draft) => knows(draft, keyword)))
        .filter((keyword) => !certain || knows(lastOfAll, keyword))
        .map((keyword) => `${name} uses ${keyword}, which not every draft of these schemas knows`);
    });
  });
}
