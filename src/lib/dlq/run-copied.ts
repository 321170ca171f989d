/** Publishes what was planned and leaves it where it is: look, INTENT, publish, CONFIRMED, DONE. At least once. */
import type { Message } from '../message/message.ts';
import { Pipeline, type Movable } from './pipeline.ts';
import { Publishers } from './publishers.ts';
import type { Ended, Run } from './run.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

/** `ahead`: how many others lie in front of the last of them, where a look costs something and has to be bounded. */
export async function runCopied(
  run: Run,
  source: DeadLetterSource,
  ahead: number,
  signal: AbortSignal,
): Promise<Ended> {
  const { journal } = run;
  const publishers = new Publishers(run.driver, run.finishing);
  const pipeline = new Pipeline<Movable>(
    run,
    publishers,
    {
      arrived: 'DONE', // there is nothing to settle
      settle: () => Promise.resolve(),
      stays: () => Promise.resolve(),
      mayGo: () => true,
      onEnded: () => undefined,
    },
    signal,
  );
  try {
    const looking = await lookOf(source).open(
      {
        channel: run.head.channel,
        from: { every: { kind: 'start', shift: 0n } },
        until: null,
        follow: false,
        partitions: null,
        limit: isFree(run.appraisal.cost) ? null : ahead + run.table.selected,
        uncommitted: false,
      },
      signal,
    );
    for await (const batch of looking.batches) {
      pipeline.add(worksOf(run, batch));
      await pipeline.room();
      if (pipeline.ended) break;
    }
    await pipeline.drain();
    const stoppedBy = run.governor.stopped ?? pipeline.stopped;
    if (!signal.aborted && stoppedBy === null)
      journal.record('DRIFTED', [...journal.state.with('planned')], 'it is no longer there');
    return { stoppedBy };
  } finally {
    await pipeline.close();
    await publishers.close();
  }
}

function worksOf({ matcher, journal }: Run, batch: readonly Message[]): readonly Movable[] {
  const works: Movable[] = [];
  for (const message of batch) {
    const match = matcher.match(message);
    if (match.kind === 'drifted') journal.record('DRIFTED', [match.ordinal], 'it is another message now');
    else if (match.kind === 'selected' && match.standing === 'confirmed')
      journal.record('DONE', [match.ordinal]);
    else if (match.kind === 'selected') works.push({ ordinal: match.ordinal, message });
  }
  return works;
}
