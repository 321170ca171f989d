/** Publishes what was planned and leaves it where it is: look, INTENT, publish, CONFIRMED, DONE. At least once. */
import type { Outcome } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { Publishers } from './publishers.ts';
import { refusalPauseMs } from './refusal-pause.ts';
import { admitted, ascending, asideFirst, departing, type Ended, type Run } from './run.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

interface Work {
  readonly ordinal: number;
  readonly message: Message;
}

const patience = 5;

/** `ahead`: how many others lie in front of the last of them, where a look has to be bounded. */
export async function runCopied(
  run: Run,
  source: DeadLetterSource,
  ahead: number,
  signal: AbortSignal,
): Promise<Ended> {
  const { journal } = run;
  const publishers = new Publishers(run.driver, run.finishing);
  try {
    const looking = await lookOf(source).open(
      {
        channel: run.head.channel,
        from: { every: { kind: 'start', shift: 0n } },
        until: null,
        follow: false,
        partitions: null,
        limit: ahead + run.table.selected,
        uncommitted: false,
      },
      signal,
    );
    for await (const batch of looking.batches) {
      const stoppedBy = await copyAll(run, publishers, worksOf(run, batch), signal);
      if (stoppedBy !== null || signal.aborted) return { stoppedBy };
    }
    if (!signal.aborted)
      journal.record('DRIFTED', [...journal.state.with('planned')], 'it is no longer there');
    return { stoppedBy: null };
  } finally {
    await publishers.close();
  }
}

function worksOf({ matcher, journal }: Run, batch: readonly Message[]): readonly Work[] {
  const works: Work[] = [];
  for (const message of batch) {
    const match = matcher.match(message);
    if (match.kind === 'drifted') journal.record('DRIFTED', [match.ordinal], 'it is another message now');
    else if (match.kind === 'selected' && match.standing === 'confirmed')
      journal.record('DONE', [match.ordinal]);
    else if (match.kind === 'selected') works.push({ ordinal: match.ordinal, message });
  }
  return works;
}

async function copyAll(
  run: Run,
  publishers: Publishers,
  all: readonly Work[],
  signal: AbortSignal,
): Promise<string | null> {
  let left = asideFirst(run, all);
  let tries = 0;
  while (left.length > 0) {
    const { count, paced } = await admitted(run, left, signal);
    if (count === 0) return run.governor.stopped;
    const { again, reason, accepted, failed } = await copy(run, publishers, left.slice(0, count));
    if (paced) await run.governor.sent(accepted, failed, signal);
    left = [...again, ...left.slice(count)];
    tries = again.length === 0 ? 0 : accepted > 0 ? 1 : tries + 1;
    if (tries >= patience) return `the destination does not take any more: ${reason}`;
    if (tries === 0) continue;
    run.onNote('the destination does not take any more just now: waiting');
    await run.clock.sleep(refusalPauseMs(tries), signal);
  }
  return run.governor.stopped;
}

async function copy(
  run: Run,
  publishers: Publishers,
  batch: readonly Work[],
): Promise<{
  readonly again: readonly Work[];
  readonly reason: string;
  readonly accepted: number;
  readonly failed: number;
}> {
  const { journal } = run;
  const ordinals = ascending(batch.map(({ ordinal }) => ordinal));
  // In doubt since a crash: this may be the second time.
  journal.record(
    'AGAIN',
    ordinals.filter((ordinal) => journal.state.standing(ordinal) === 'intended'),
  );
  journal.record('INTENT', ordinals);
  await journal.sync();
  const outcomes = await publish(run, publishers, batch);
  const accepted: number[] = [];
  const again: Work[] = [];
  let [failed, reason, unknown] = [0, '', ''];
  for (const [index, work] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status === 'accepted') accepted.push(work.ordinal);
    else if (outcome === undefined || outcome.status === 'unknown')
      unknown = outcome?.reason ?? 'the driver did not say';
    else if (outcome.retriable) {
      again.push(work);
      reason = outcome.reason;
    } else {
      failed += 1;
      journal.record('FAILED', [work.ordinal], outcome.reason);
    }
  }
  // There is nothing to settle: what is confirmed is done.
  journal.record('DONE', ascending(accepted));
  journal.record('NOT-MOVED', ascending(again.map(({ ordinal }) => ordinal)));
  await journal.sync();
  run.onMoved(accepted.length);
  if (unknown !== '')
    throw new FailedError(`no answer came from the destination: ${unknown}`, {
      hint: 'resume: what is in doubt is published again with the same id, and named',
    });
  return { again, reason, accepted: accepted.length, failed };
}

async function publish(
  run: Run,
  publishers: Publishers,
  batch: readonly Work[],
): Promise<readonly (Outcome | undefined)[]> {
  const outcomes = new Map<Work, Outcome>();
  for (const [destination, works] of Map.groupBy(batch, ({ ordinal }) => run.table.destinationOf(ordinal))) {
    const outgoing = works.map(({ ordinal, message }) => departing(run, ordinal, message));
    const answers = await publishers.send(
      destination,
      outgoing.map(({ message }) => message),
    );
    for (const [index, work] of works.entries()) {
      const [answer, departed] = [answers[index], outgoing[index]];
      if (answer !== undefined) outcomes.set(work, answer);
      if (answer?.status === 'accepted' && departed !== undefined) run.headers.count(departed);
    }
  }
  return batch.map((work) => outcomes.get(work));
}
