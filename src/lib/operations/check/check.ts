/** What a check is: one question about the channels and groups of a system, answered with evidence. */
import type { Declaration, Driver, GroupDescription } from '../../drivers/driver.ts';
import type { Arrivals, LagReport } from '../lag/report.ts';
import type { MessageFacts } from './channel-sample.ts';

export type CheckStatus = 'pass' | 'warn' | 'fail' | 'unknown';

export interface CheckResult {
  /** The channel or group; null: the whole. */
  readonly subject: string | null;
  readonly status: CheckStatus;
  /** What was seen, or why nothing could be. */
  readonly evidence: string;
  /** The command to go on with; null: there is none. */
  readonly next: string | null;
}

export interface DeadLetterFacts {
  readonly channel: string;
  readonly depth: number | null;
  readonly sources: readonly string[];
}

/** What checks ask. Each question is put to the broker once. */
export interface CheckSubject {
  readonly driver: Driver;
  readonly declaration: Declaration;
  /** Channels to check: without those of dead letters. */
  readonly channels: readonly string[];
  readonly now: () => number;
  /** What `--set` said. */
  readonly settings: Settings;
  /** The two channels, and the most that 99 of 100 may take between them, in milliseconds. */
  readonly between: { readonly from: string; readonly to: string; readonly p99Ms: number } | null;
  readonly lag: () => Promise<LagReport>;
  /** What came into channels that no group reads, look by look; a text says why that is unknown. Some may be left out. */
  readonly arrivals: (
    channels: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly Arrivals[] | string>>;
  readonly groups: () => Promise<readonly GroupDescription[]>;
  readonly deadLetters: () => Promise<readonly DeadLetterFacts[]>;
  /** The newest messages, the oldest of them first, without their bodies; a text says why there are none. */
  readonly sample: (channel: string) => Promise<readonly MessageFacts[] | string>;
}

export interface Settings {
  /** The value of a check's limit. */
  readonly number: (id: string) => number;
  /** The text that was given; null: none. */
  readonly text: (id: string) => string | null;
}

export interface Check {
  readonly id: string;
  /** What it looks at, for the help. */
  readonly about: string;
  /** What `--set ID=VALUE` changes, and its value without; null: nothing. */
  readonly limit: { readonly is: string; readonly value: number } | null;
  run(subject: CheckSubject, signal: AbortSignal): Promise<readonly CheckResult[]>;
}

/** What a check answers of one subject, or of the whole. */
export function result(
  subject: string | null,
  status: CheckStatus,
  evidence: string,
  next: string | null = null,
): CheckResult {
  return { subject, status, evidence, next };
}

/** One result for each channel, of its sample. */
export async function ofEachSample(
  { channels, sample }: CheckSubject,
  judge: (facts: readonly MessageFacts[], channel: string) => CheckResult,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const channel of channels) {
    const facts = await sample(channel);
    if (typeof facts === 'string') results.push(result(channel, 'unknown', facts));
    else if (facts.length === 0) results.push(result(channel, 'unknown', 'no message to look at'));
    else results.push(judge(facts, channel));
  }
  return results;
}

/** `12 of 1,000 (1.2 %)`. */
export function shareText(part: number, whole: number): string {
  return `${part.toString()} of ${whole.toString()} (${percent(part, whole).toFixed(1)} %)`;
}

/** Of nothing, 0. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}
