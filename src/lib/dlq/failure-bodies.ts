/**
 * Dead letters that are records about what failed, written in its place: they say it in their body. Data only; `failure.ts` reads
 * by it what no header said.
 */
import type { Fact } from './failure-headers.ts';

interface FailureBody {
  readonly name: string;
  /** Where the shape comes from. */
  readonly source: string;
  /** Stands in every such body, and hardly in others: what has it is parsed. */
  readonly mark: Buffer;
  /** Names from the outside in. */
  readonly facts: readonly (readonly [
    fact: Fact,
    path: readonly string[],
    form?: 'name of an ARN' | 'time',
  ])[];
}

const lambda = (batch: string): FailureBody => ({
  name: 'AWS Lambda, event-source mapping',
  source: 'AWS Lambda Developer Guide, "Retain discarded batch records"',
  mark: Buffer.from(`"${batch}"`),
  facts: [
    ['reason', ['requestContext', 'condition']],
    ['consumer', ['requestContext', 'functionArn']],
    ['attempts', ['requestContext', 'approximateInvokeCount']],
    ['class', ['responseContext', 'functionError']],
    ['at', ['timestamp'], 'time'],
    ['channel', [batch, 'streamArn'], 'name of an ARN'],
    ['partition', [batch, 'shardId']],
    ['offset', [batch, 'startSequenceNumber']],
    ['last-offset', [batch, 'endSequenceNumber']],
  ],
});

const bodies: readonly FailureBody[] = [lambda('KinesisBatchInfo'), lambda('DDBStreamBatchInfo')];

/** Larger ones are none of these: they hold no payload. */
const mostBytes = 64 * 1024;
/** Nor are those that have no room for a mark. */
const fewestBytes = Math.min(...bodies.map(({ mark }) => mark.length));
const none: ReadonlyMap<Fact, BodyFact> = new Map();

export interface BodyFact {
  readonly text: string;
  readonly number: number | null;
}

/** Empty where the body is no such record. */
export function factsOfBody(value: Uint8Array | null): ReadonlyMap<Fact, BodyFact> {
  if (value === null || value.length < fewestBytes || value.length > mostBytes) return none;
  const facts = new Map<Fact, BodyFact>();
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const body = bodies.find(({ mark }) => bytes.includes(mark));
  if (body === undefined) return facts;
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString());
  } catch {
    return facts;
  }
  for (const [fact, path, form] of body.facts) {
    const said = at(document, path);
    if (typeof said === 'number') facts.set(fact, { text: String(said), number: said });
    if (typeof said !== 'string' || said === '') continue;
    const number = form === 'time' ? Date.parse(said) : Number.NaN;
    facts.set(fact, {
      text: form === 'name of an ARN' ? (/^arn:[^/]*\/([^/]+)/.exec(said)?.[1] ?? said) : said,
      number: Number.isNaN(number) ? null : number,
    });
  }
  return facts;
}

function at(document: unknown, path: readonly string[]): unknown {
  let inner = document;
  for (const name of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = Object.entries(inner).find(([known]) => known === name)?.[1];
  }
  return inner;
}
