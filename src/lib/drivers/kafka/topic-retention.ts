import { MqctlError } from '../../errors.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { errorName } from './protocol/error-codes.ts';
import type { Session } from './session.ts';

export interface TopicRetention {
  /** Milliseconds; null: for ever, or unknown. */
  readonly retentionMs: number | null;
  /** Records go away from the middle too: differences of offsets are more than the records there. */
  readonly compacted: boolean;
  /** Why it is unknown. */
  readonly problem: string | null;
}

const topicsAtOnce = 500;

/** How long topics keep their records: one request for many topics, to any broker. */
export async function topicRetention(
  session: Session,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TopicRetention>> {
  const found = new Map<string, TopicRetention>();
  await eachInFlight(chunks(topics, topicsAtOnce), async (names) => {
    const settings = ['retention.ms', 'cleanup.policy'];
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
            ? retention(value('retention.ms'), value('cleanup.policy'))
            : { retentionMs: null, compacted: false, problem: errorName(answer.errorCode) },
        );
      }
    } catch (error) {
      // Without it the backlog is still worth having.
      if (!(error instanceof MqctlError)) throw error;
      for (const name of names)
        found.set(name, { retentionMs: null, compacted: false, problem: error.message });
    }
  });
  return found;
}

function retention(retentionMs: string | null, policy: string | null): TopicRetention {
  const policies = (policy ?? 'delete').split(',').map((each) => each.trim());
  const ms = Number(retentionMs ?? -1);
  return {
    retentionMs: policies.includes('delete') && Number.isFinite(ms) && ms >= 0 ? ms : null,
    compacted: policies.includes('compact'),
    problem: null,
  };
}
