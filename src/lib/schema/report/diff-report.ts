/** A diff of two schemas, as a document and as text for people. */
import type { ElementChange, SchemaDiff } from '../diff.ts';
import { checkDocument } from './check-json.ts';
import { pairsText, type Texts } from './check-text.ts';
import type { ReportLine } from './report-line.ts';

/** The elements that differ, the verdict by dialect, and both directions as `schema check` has them: bytes are base64. */
export function diffDocument({ from, to, elements, compatibility }: SchemaDiff) {
  const { verdict, pairs } = checkDocument(compatibility);
  return { from, to, elements, verdict, pairs };
}

/** A line for each element, then both directions with excerpts; `texts` are those of the schemas. There is no conclusion. */
export function diffText({ elements, compatibility }: SchemaDiff, texts: Texts): readonly ReportLine[] {
  return [
    ...(elements.length === 0
      ? [{ kind: 'good', text: 'no element differs' } satisfies ReportLine]
      : elements.map(changeLine)),
    { kind: 'plain', text: '' },
    ...pairsText(compatibility, texts),
  ];
}

function changeLine({ change, element, before, after }: ElementChange): ReportLine {
  switch (change) {
    case 'added':
      return { kind: 'good', text: `+ ${element}: ${after ?? ''}` };
    case 'removed':
      return { kind: 'bad', text: `- ${element}: ${before ?? ''}` };
    case 'changed':
      return { kind: 'doubtful', text: `~ ${element}: ${before ?? ''} → ${after ?? ''}` };
  }
}
