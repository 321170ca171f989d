import { MqctlError } from '../../errors.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { errorName } from './protocol/error-codes.ts';
import type { Session } from './session.ts';

export interface TopicRetention {
  /** Milliseconds; null: for ever, or unknown. */
  readonly retentionMs: number | null;
  /** The oldest records of a partition go when it is larger than this says (`retention.bytes`). */
  readonly boundedBySize: boolean;
  /** Records go away from the middle too: differences of offsets are more than the records there. */
  readonly compacted: boolean;
  /** Why it is unknown. */
  readonly problem: string | null;
}

const topicsAtOnce = 500;
/** For ever, as far as a commit can say it: ten years. */
const longestRetentionMs = 10 * 365 * 86_400_000;

/** How long topics keep their records: one request for many topics, to any broker. */
export async function topicRetention(
  session: Session,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TopicRetention>> {
  const found = new Map<string, TopicRetention>();
  await eachInFlight(chunks(topics, topicsAtOnce), async (names) => {
    const settings = ['retention.ms', 'retention.bytes', 'cleanup.policy'];
    try {
      const answers = await session.sendToAny(
        describeConfigs,
        { resource: 'topic', names, settings },
        { signal },
      );
      for (const answer of answers) {
        const value = (name: string) => answer.settings.find((each) => each.name === name)?.value ?? null;
        found.set(
          answer.name,
          answer.errorCode === 0
            ? retention(value)
            : { ...nothingKnown, problem: errorName(answer.errorCode) },
        );
      }
    } catch (error) {
      // Without it the backlog is still worth having.
      if (!(error instanceof MqctlError)) throw error;
      for (const name of names) found.set(name, { ...nothingKnown, problem: error.message });
    }
  });
  return found;
}

const nothingKnown = { retentionMs: null, boundedBySize: false, compacted: false } as const;

function retention(value: (name: string) => string | null): TopicRetention {
  const policies = (value('cleanup.policy') ?? 'delete').split(',').map((each) => each.trim());
  const deletes = policies.includes('delete');
  const limit = (name: string): number | null => {
    const number = Number(value(name) ?? -1);
    return deletes && Number.isFinite(number) && number >= 0 ? number : null;
  };
  return {
    retentionMs: limit('retention.ms'),
    boundedBySize: limit('retention.bytes') !== null,
    compacted: policies.includes('compact'),
    problem: null,
  };
}

/** How long what was resolved must be remembered: as long as the topic keeps its records. */
export async function keepFor(session: Session, topic: string, signal: AbortSignal): Promise<number> {
  const retention = (await topicRetention(session, [topic], signal)).get(topic);
  return Math.min(retention?.retentionMs ?? longestRetentionMs, longestRetentionMs);
}
