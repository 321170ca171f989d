import type { DeadLetter, Header, HeaderValue, Message } from '../message/message.ts';
import { unpackDeathNote } from './death-note.ts';
import { factsOfBody, type BodyFact } from './failure-bodies.ts';
import { frameworks, type Fact, type FailureHeader, type HeaderRole } from './failure-headers.ts';
import { channelOfAddress, numberOf, textOf, timeOf } from './header-values.ts';

/** Messages of a channel that may be one of another system. */
export interface Range {
  readonly channel: string;
  readonly partition: string;
  readonly first: string;
  readonly last: string;
}

/** Everything that a message says about its death. */
export interface Failure extends DeadLetter {
  readonly stack: string | null;
  /** When it was first sent, milliseconds since 1970, where someone noted it. */
  readonly sentAt: number | null;
  /** By which key it first went its way, where a framework noted it. */
  readonly routingKey: string | null;
  /** Where the message is only a record of what failed and holds none of it: which messages that was, both ends included. */
  readonly standsFor?: Range;
}

/** How the system itself explains a dead letter: `DeadLetters.read`, or null where it has no words of its own. */
export type NativeReader = ((message: Message) => DeadLetter | null) | null;

interface Rule {
  readonly order: number;
  readonly header: FailureHeader;
}

const exact = new Map<string, Rule>();
const anyCase = new Map<string, Rule>();
const prefixes: { readonly prefix: string; readonly rule: Rule }[] = [];
let order = 0;
for (const framework of frameworks) {
  for (const header of framework.headers) {
    const rule = { order: order++, header };
    if (header.name.endsWith('*')) prefixes.push({ prefix: header.name.slice(0, -1), rule });
    else if (framework.anyCase) anyCase.set(header.name.toLowerCase(), rule);
    else exact.set(header.name, rule);
  }
}

function ruleFor(name: string): Rule | undefined {
  return (
    exact.get(name) ??
    anyCase.get(name.toLowerCase()) ??
    prefixes.find(({ prefix }) => name.startsWith(prefix))?.rule
  );
}

/** What a header is to a dead letter; what nobody knows is the sender's own. */
export function roleOf(name: string): HeaderRole {
  return ruleFor(name)?.header.role ?? 'payload';
}

/**
 * What this message says about its death; null where it says nothing. The system's own words come first, then each
 * framework's, last those of a body that is a record of the failure. Where a header is repeated (Connect appends along a chain of dead-letter queues) the last one counts.
 */
export function readFailure(message: Message, native: NativeReader): Failure | null {
  const own = native?.(message) ?? null;
  const inHeaders = factsOf(message.headers);
  const inBody = factsOfBody(message.value);
  if (own === null && inBody.size === 0 && inHeaders.size === 0) return null;
  const facts = new Map<Fact, BodyFact>([...inBody, ...inHeaders]);
  const text = (fact: Fact): string | null => facts.get(fact)?.text ?? null;
  const number = (fact: Fact): number | null => facts.get(fact)?.number ?? null;
  // A record that died itself came from where its readers are, and goes back there.
  const diedItself = (own?.origin.channel ?? null) !== null || inHeaders.has('channel');
  const standsFor = diedItself ? null : rangeOf(inBody);
  return {
    reason: own?.reason ?? text('reason'),
    class: own?.class ?? text('class'),
    // What the framework noted is the cause; a broker's own sentence is only that it gave up.
    message: text('message') ?? own?.message ?? null,
    attempts: own?.attempts ?? number('attempts'),
    origin: {
      channel: own?.origin.channel ?? text('channel'),
      partition: own?.origin.partition ?? text('partition'),
      offset: own?.origin.offset ?? text('offset'),
    },
    consumer: own?.consumer ?? text('consumer'),
    at: own?.at ?? number('at'),
    stack: text('stack'),
    sentAt: number('sent'),
    routingKey: text('routing-key'),
    ...(standsFor !== null && { standsFor }),
  };
}

function rangeOf(facts: ReadonlyMap<Fact, BodyFact>): Range | null {
  const [channel, partition, first, last] = (['channel', 'partition', 'offset', 'last-offset'] as const).map(
    (fact) => facts.get(fact)?.text,
  );
  if (channel === undefined || partition === undefined || first === undefined) return null;
  return { channel, partition, first, last: last ?? first };
}

/** The facts without those that only we read. */
export function toDeadLetter(failure: Failure): DeadLetter {
  const { reason, class: exception, message, attempts, origin, consumer, at } = failure;
  return { reason, class: exception, message, attempts, origin, consumer, at };
}

interface Said {
  readonly order: number;
  readonly text: string;
  readonly number: number | null;
}

function factsOf(headers: readonly Header[]): ReadonlyMap<Fact, Said> {
  const facts = new Map<Fact, Said>();
  for (const { name, value } of unpackDeathNote(headers)) {
    const rule = ruleFor(name);
    const fact = rule?.header.fact;
    if (rule === undefined || fact === undefined) continue;
    const known = facts.get(fact);
    if (known !== undefined && known.order < rule.order) continue;
    const said = read(value, rule.header);
    if (said !== null) facts.set(fact, { ...said, order: rule.order });
  }
  return facts;
}

function read(value: HeaderValue, { encoding = 'text', fact }: FailureHeader): Omit<Said, 'order'> | null {
  switch (encoding) {
    case 'number':
    case 'big-endian':
      return numeric(numberOf(value, encoding === 'big-endian'));
    case 'big-endian-next': {
      const next = numberOf(value, true);
      return numeric(next === null ? null : next - 1);
    }
    case 'time':
    case 'big-endian-time':
      return numeric(timeOf(value, encoding === 'big-endian-time'));
    case 'address':
      return textual(channelOfAddress(value));
    case 'text':
      return fact === 'attempts' ? numeric(numberOf(value, false)) : textual(textOf(value));
  }
}

function numeric(number: number | null): Omit<Said, 'order'> | null {
  return number === null ? null : { number, text: number.toString() };
}

function textual(text: string | null): Omit<Said, 'order'> | null {
  return text === null || text === '' ? null : { number: null, text };
}
