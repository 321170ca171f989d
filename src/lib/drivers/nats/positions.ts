/**
 * Where consumers stand. They are put elsewhere by the server's own reset (NATS 2.14), which forgets what was settled out of
 * order: so what is put back is the place up to which everything was settled.
 */
import type { ConsumerInfo } from '@nats-io/jetstream';
import { NotFoundError, UnsupportedError, errorText } from '../../errors.ts';
import type {
  GroupPositions,
  PlannedPosition,
  PositionChange,
  PositionOutcome,
  PositionPlan,
} from '../driver.ts';
import { consumerNamed, filtersOf, membersOf } from './consumers.ts';
import { kindOf, memberList, refuseMembers } from './groups.ts';
import { only, sequenceOf } from './place-in-stream.ts';
import type { Session } from './session.ts';
import { firstStored } from './stored-messages.ts';
import { streamPlace } from './streams.ts';
import type { StreamPlace } from './streams.ts';
import { shellLine } from '../../shell-line.ts';

const resetSince = [2, 14] as const;
const resettable: readonly string[] = ['all', 'by_start_sequence', 'by_start_time'];

/**
 * Setting throws `FailedError` with code `ACTIVE` where somebody asks for messages just now, `UnsupportedError` where the server
 * is older than 2.14 or the consumer's `deliver_policy` is none that can be reset.
 */
export function positions(session: Session): GroupPositions {
  const boundsOf = async (stream: string, signal: AbortSignal) => streamPlace(session, stream, signal);
  return {
    async read(group, signal) {
      const consumer = await consumerNamed(session, group, null, signal);
      const { info } = await boundsOf(consumer.stream_name, signal);
      return [
        {
          channel: consumer.stream_name,
          partition: null,
          committed: String(consumer.ack_floor.stream_seq + 1),
          start: String(Math.max(1, info.state.first_seq)),
          end: String(info.state.last_seq + 1),
          metadata: null,
        },
      ];
    },

    async plan({ group, targets }, signal) {
      const consumer = await consumerNamed(session, group, null, signal);
      const planned: PlannedPosition[] = [];
      for (const { channel, to } of targets) {
        const place = await streamPlace(session, channel, signal);
        const position = only(to, channel);
        if (place.info.config.name !== consumer.stream_name)
          throw new NotFoundError('consumer', group, `"${channel}"`, {
            hint: `it is one of "${consumer.stream_name}"`,
          });
        const before = consumer.ack_floor.stream_seq + 1;
        const asked = await sequenceOf(session, place, position, before, signal);
        planned.push(await plannedAt(session, place, consumer, before, asked, signal));
      }
      const outOfOrder = consumer.num_ack_pending > 0;
      const plan: PositionPlan = {
        group,
        kind: kindOf(consumer),
        positions: planned,
        refusal: await refusalOf(session, group, consumer, signal),
        undo: 'watermark',
        notes: outOfOrder
          ? [
              `${String(consumer.num_ack_pending)} were delivered and not settled: what was settled behind the first of them is read again`,
            ]
          : [],
      };
      return plan;
    },

    async set(group, changes, signal) {
      const consumer = await consumerNamed(session, group, null, signal);
      refuseMembers(group, consumer, 'set');
      const refusal = await refusalOf(session, group, consumer, signal);
      if (refusal !== null) throw new UnsupportedError(refusal.reason, { hint: refusal.hint });
      const outcomes: PositionOutcome[] = [];
      for (const change of changes) outcomes.push(await setOne(session, consumer, change, signal));
      return outcomes;
    },
  };
}

async function setOne(
  session: Session,
  consumer: ConsumerInfo,
  { channel, partition, position }: PositionChange,
  signal: AbortSignal,
): Promise<PositionOutcome> {
  if (channel !== consumer.stream_name) throw new NotFoundError('consumer', consumer.name, `"${channel}"`);
  if (partition !== null) throw new NotFoundError('partition', partition, `"${channel}"`);
  if (position === null || !/^\d{1,15}$/.test(position))
    return { status: 'refused', reason: 'a consumer always stands at a sequence' };
  try {
    await session.ask(
      `consumer "${consumer.name}"`,
      ({ consumers }) => consumers.reset(channel, consumer.name, Number(position)),
      signal,
    );
    return { status: 'set' };
  } catch (error) {
    signal.throwIfAborted();
    const retriable = error instanceof Error && 'retriable' in error && error.retriable === true;
    return { status: retriable ? 'unknown' : 'refused', reason: errorText(error) };
  }
}

async function plannedAt(
  session: Session,
  { info, channel }: StreamPlace,
  consumer: ConsumerInfo,
  before: number,
  asked: number,
  signal: AbortSignal,
): Promise<PlannedPosition> {
  const start = Math.max(1, info.state.first_seq);
  const end = info.state.last_seq + 1;
  const after = Math.min(Math.max(asked, start), end);
  const [from, to] = after < before ? [after, before] : [before, after];
  const [filter = null, ...others] = filtersOf(consumer.config);
  const one = others.length === 0 ? filter : null;
  const [first, last] = await Promise.all([
    firstStored(session, info, one, { seq: from }, signal),
    from === to ? null : lastBefore(session, info, to, signal),
  ]);
  const some = first !== null && first.message.seq < to;
  return {
    channel,
    partition: null,
    before: String(before),
    metadata: null,
    after: String(after),
    asked: after === asked ? null : String(asked),
    start: String(start),
    end: String(end),
    effect: after < before ? 'again' : after > before ? 'skipped' : 'none',
    messages: Math.max(0, to - Math.max(from, start)),
    firstAt: some ? first.message.time : null,
    lastAt: some ? (last ?? first.message.time) : null,
  };
}

/** The time of the last message before that sequence, where it was not deleted. */
async function lastBefore(
  session: Session,
  info: StreamPlace['info'],
  seq: number,
  signal: AbortSignal,
): Promise<number | null> {
  const found = await firstStored(session, info, null, { seq: seq - 1 }, signal);
  return found === null || found.message.seq >= seq ? null : found.message.time;
}

async function refusalOf(
  session: Session,
  group: string,
  consumer: ConsumerInfo,
  signal: AbortSignal,
): Promise<PositionPlan['refusal']> {
  const members = membersOf(consumer);
  if (members > 0)
    return {
      code: 'ACTIVE',
      reason: `the consumer "${group}" is read just now: whoever reads would go on with what it has`,
      hint: 'stop whoever reads it first',
      members: memberList(consumer),
    };
  const { deliver_policy: policy } = consumer.config;
  const instead = shellLine`make a consumer that begins there: mqctl consume ${consumer.stream_name} --group NEW --from SEQUENCE, and have it used`;
  const unsupported = (reason: string) => ({
    code: 'UNSUPPORTED' as const,
    reason,
    hint: instead,
    members: [],
  });
  if (!resettable.includes(policy))
    return unsupported(
      `the consumer "${group}" was made with deliver_policy "${policy}": NATS resets no such consumer`,
    );
  const connection = await session.connection(signal);
  const version = connection.info?.version ?? '0.0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [since, from] = resetSince;
  if (major < since || (major === since && minor < from))
    return unsupported(
      `NATS ${version} cannot put a consumer elsewhere: it can from ${resetSince.join('.')} on`,
    );
  return null;
}
