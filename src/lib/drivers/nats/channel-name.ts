/**
 * What a channel's name means:
 *
 * - `ORDERS` is a stream. A stream's name has no dots.
 * - `orders.new`, `orders.*`, `orders.>` are subjects of the stream that captures them; `subject:orders` is one without a dot.
 * - `ORDERS/billing/dead` is what the consumer `billing` of that stream gave up.
 */
export type ChannelName =
  | { readonly kind: 'stream'; readonly stream: string }
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'dead'; readonly stream: string; readonly consumer: string }
  | { readonly kind: 'none' };

const subjectPrefix = 'subject:';
const name = String.raw`[^\s.*>/\\]+`;
const streamForm = new RegExp(`^${name}$`, 'u');
const deadForm = new RegExp(`^(${name})/(${name})/dead$`, 'u');
/** Tokens without blanks; `*` and `>` stand for themselves only. */
const subjectForm = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/u;

/** `none`: neither a stream nor a subject can have that name. Nothing is looked up. */
export function parseChannelName(text: string): ChannelName {
  if (text.startsWith(subjectPrefix)) return subjectNamed(text.slice(subjectPrefix.length));
  const dead = deadForm.exec(text);
  if (dead !== null) return { kind: 'dead', stream: dead[1] ?? '', consumer: dead[2] ?? '' };
  return streamForm.test(text) ? { kind: 'stream', stream: text } : subjectNamed(text);
}

function subjectNamed(subject: string): ChannelName {
  return subjectForm.test(subject) ? { kind: 'subject', subject } : { kind: 'none' };
}

/** The channel of what a consumer gave up: `ORDERS/billing/dead`. */
export function deadChannel(stream: string, consumer: string): string {
  return `${stream}/${consumer}/dead`;
}

/** Whether it has no wildcards: messages have such subjects only. */
export function isLiteral(subject: string): boolean {
  return !subject.split('.').some((token) => token === '*' || token === '>');
}

/** Whether `subject`, which may have wildcards itself, lies wholly within `pattern`. */
export function covers(pattern: string, subject: string): boolean {
  const [wide, narrow] = [pattern.split('.'), subject.split('.')];
  for (const [at, token] of wide.entries()) {
    if (token === '>') return narrow.length > at;
    const other = narrow[at];
    if (other === undefined || other === '>') return false;
    if (token !== '*' && token !== other) return false;
  }
  return wide.length === narrow.length;
}

/** Whether some subject matches both. */
export function overlap(one: string, other: string): boolean {
  const [left, right] = [one.split('.'), other.split('.')];
  for (let at = 0; ; at++) {
    const [a, b] = [left[at], right[at]];
    if (a === undefined || b === undefined) return a === b;
    if (a === '>' || b === '>') return true;
    if (a !== '*' && b !== '*' && a !== b) return false;
  }
}
