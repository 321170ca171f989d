import type { Driver, GroupDescription } from '../../drivers/driver.ts';
import { MqctlError, NotFoundError } from '../../errors.ts';
import type { LagReport } from '../lag/report.ts';
import { sampleOf, type CostlySample, type MessageFacts } from './channel-sample.ts';
import { result, type Check, type CheckResult, type CheckSubject } from './check.ts';

export interface Checked extends CheckResult {
  readonly id: string;
}

export interface CheckSources extends Pick<
  CheckSubject,
  'driver' | 'declaration' | 'settings' | 'between' | 'now' | 'deadLetters' | 'arrivals'
> {
  /** null: where a look costs something, none is taken. */
  readonly costlySample: CostlySample | null;
  /** Of these groups, in these channels; null: all. */
  lag(names: {
    readonly groups: readonly string[] | null;
    readonly channels: readonly string[] | null;
  }): Promise<LagReport>;
}

/** So many groups are asked about at once. */
const concurrent = 8;

/**
 * Runs the checks, one after the other. `words` are channels or groups, empty: all. One that fails to be answered is unknown and
 * says why. Throws `NotFoundError` for a word that is neither.
 */
export async function runChecks(
  checks: readonly Check[],
  words: readonly string[],
  sources: CheckSources,
  signal: AbortSignal,
): Promise<readonly Checked[]> {
  const { driver } = sources;
  const names = await namesOf(driver, words, signal);
  const deadLetters = once(sources.deadLetters);
  const dead = new Set((await deadLetters().catch(() => [])).map(({ channel }) => channel));
  // Who reads dead letters, and how many wait, is asked by checks of their own.
  const isAsked = (channel: string): boolean => words.length > 0 || !dead.has(channel);
  const samples = new Map<string, Promise<readonly MessageFacts[] | string>>();
  const subject: CheckSubject = {
    ...sources,
    channels: names.channels.filter(isAsked),
    deadLetters: once(async () =>
      (await deadLetters()).filter(
        ({ channel, sources: of }) =>
          words.length === 0 || words.includes(channel) || of.some((source) => words.includes(source)),
      ),
    ),
    lag: once(async () => {
      const report = await sources.lag({ groups: names.groups, channels: names.lagChannels });
      return { ...report, groups: report.groups.filter(({ channel }) => isAsked(channel)) };
    }),
    groups: once(async () => {
      const described = await describeGroups(driver, names.groups, names.lagChannels, signal);
      return described.filter(({ channels }) => channels.length === 0 || channels.some(isAsked));
    }),
    sample: (channel) => {
      const sampled = { channel, partitions: names.partitions.get(channel) ?? null };
      const known = samples.get(channel) ?? sampleOf(driver, sampled, sources.costlySample, signal);
      samples.set(channel, known);
      return known;
    },
  };
  const results: Checked[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    for (const found of await answered(check, subject, signal)) results.push({ id: check.id, ...found });
  }
  return results;
}

async function answered(
  check: Check,
  subject: CheckSubject,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  try {
    const results = await check.run(subject, signal);
    return results.length > 0 ? results : [result(null, 'unknown', 'there is nothing to check')];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError) || error.code === 'USAGE') throw error;
    return [result(null, 'unknown', error.message)];
  }
}

interface Names {
  readonly channels: readonly string[];
  readonly partitions: ReadonlyMap<string, number | null>;
  readonly groups: readonly string[] | null;
  readonly lagChannels: readonly string[] | null;
}

async function namesOf(driver: Driver, words: readonly string[], signal: AbortSignal): Promise<Names> {
  const partitions = new Map<string, number | null>();
  for await (const summary of driver.channels({ match: null, internal: false }, signal))
    partitions.set(summary.channel, summary.partitions);
  const all = [...partitions.keys()];
  if (words.length === 0) return { channels: all, partitions, groups: null, lagChannels: null };
  const channels = words.filter((word) => partitions.has(word));
  const others = words.filter((word) => !partitions.has(word));
  const known = others.length === 0 ? [] : ((await driver.groups?.list({ match: null }, signal)) ?? []);
  const missing = others.find((word) => known.every(({ group }) => group !== word));
  if (missing !== undefined) throw new NotFoundError('channel', missing, driver.target);
  return {
    channels,
    partitions,
    groups: others.length === 0 ? null : others,
    lagChannels: channels.length === 0 ? null : channels,
  };
}

async function describeGroups(
  driver: Driver,
  names: readonly string[] | null,
  channels: readonly string[] | null,
  signal: AbortSignal,
): Promise<readonly GroupDescription[]> {
  const { groups } = driver;
  if (groups === undefined) return [];
  const listed = names ?? (await groups.list({ match: null }, signal)).map(({ group }) => group);
  const described: GroupDescription[] = [];
  for (let index = 0; index < listed.length; index += concurrent) {
    const part = listed.slice(index, index + concurrent);
    described.push(...(await Promise.all(part.map((name) => groups.describe(name, signal)))));
  }
  return described.filter(
    (group) =>
      channels === null || names !== null || group.channels.some((channel) => channels.includes(channel)),
  );
}

/** Asks once, however often it is called. */
function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | null = null;
  return () => (asked ??= ask());
}
