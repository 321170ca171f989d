/**
 * Taking messages. For a group, by its consumer. From a stream itself, or from what a consumer gave up, what is settled is
 * deleted: by sequence where it was asked for so, else by a consumer of our own that all who take share, and that goes away.
 */
import { createHash } from 'node:crypto';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { ConsumerConfig, ConsumerInfo } from '@nats-io/jetstream';
import { FailedError, NotFoundError, UnsupportedError, UsageError, errorText } from '../../errors.ts';
import type { Claim, Claiming, ClaimRequest } from '../driver.ts';
import { ConsumerClaiming } from './consumer-claiming.ts';
import { terminatedAreCaptured } from './advisories.ts';
import { deadChannel } from './channel-name.ts';
import { findConsumer, isPush, ownPrefix, splitGroup } from './consumers.ts';
import { deadTaking, streamTaking } from './taking.ts';
import type { Taking } from './taking.ts';
import { declaration } from './declaration.ts';
import { apiCode, apiCodes } from './failures.ts';
import { toMessage } from './message-codec.ts';
import { only, sequenceOf } from './place-in-stream.ts';
import { SelectedClaiming } from './selected-claiming.ts';
import type { Session } from './session.ts';
import { nanosOf } from './nanoseconds.ts';
import { placeOf } from './streams.ts';
import type { Place, StreamPlace } from './streams.ts';

const defaultLeaseMs = declaration.facets.claim?.leaseMs ?? 30_000;
/** A consumer of ours that nobody uses is removed by the server after so long. */
const unusedMs = 120_000;

/**
 * A consumer that is named and not there is made. Opening throws `NotFoundError`, `UsageError` for what the place cannot give,
 * `UnsupportedError` for a consumer that is pushed to, or that does not settle each message by itself.
 */
export function claim(session: Session): Claim {
  return {
    async rejectsTo(channel, group, signal) {
      const place = await placeOf(session, channel, signal);
      if (place.kind === 'dead' || group === null) return null;
      const { name } = place.info.config;
      const consumer = splitGroup(group, name)?.consumer ?? group;
      const captured = await terminatedAreCaptured(session, name, consumer, signal);
      return captured ? deadChannel(name, consumer) : null;
    },
    async open(request, signal) {
      const place = await placeOf(session, request.channel, signal);
      if (request.window < 1) throw new UsageError('at least one message has to be held at a time');
      if (request.group !== null) return forGroup(session, place, request, request.group, signal);
      if (request.from !== null)
        throw new UsageError('what is taken from a stream itself is taken from its start', {
          hint: 'leave --from out, or take for a consumer: --group NAME',
        });
      const taking =
        place.kind === 'dead'
          ? await deadTaking(session, place, request, signal)
          : streamTaking(session, place);
      if (request.select !== null)
        return new SelectedClaiming(session, taking, { ...request, select: request.select }, signal);
      return shared(session, taking, request, signal);
    },
  };
}

async function forGroup(
  session: Session,
  place: Place,
  request: ClaimRequest,
  group: string,
  signal: AbortSignal,
): Promise<Claiming> {
  if (place.kind === 'dead')
    throw new UsageError('what a consumer gave up has no groups', { hint: 'leave --group out' });
  if (request.select !== null)
    throw new UsageError('a consumer hands out what is next: single messages cannot be asked for');
  const { info, channel } = place;
  const consumer =
    (await findConsumer(session, group, info.config.name, signal)) ??
    (await createFor(session, place, request, group, signal));
  if (isPush(consumer.config))
    throw new UnsupportedError(`the consumer "${group}" is pushed to: nobody can take messages from it`, {
      hint: 'make a consumer that is pulled from, or look: consume --from',
    });
  if (consumer.config.ack_policy === AckPolicy.None || consumer.config.ack_policy === AckPolicy.All)
    throw new UnsupportedError(
      `the consumer "${group}" settles ${consumer.config.ack_policy === AckPolicy.None ? 'what is delivered at once' : 'all that came before, too'}`,
      { hint: 'use a consumer with explicit acknowledgements' },
    );
  return ConsumerClaiming.open(
    session,
    {
      consumer,
      follow: request.follow,
      window: request.window,
      countsDeliveries: true,
      toMessages: async (all, deliveries) =>
        all.map((stored, at) =>
          toMessage(channel, stored, { delivery: deliveries[at] ?? { count: null, redelivered: null } }),
        ),
      remove: null,
      removedByAck: false,
      leave: null,
    },
    signal,
  );
}

/** A group that is not there is made, as everywhere: durable, with explicit acknowledgements, and NATS's own defaults else. */
async function createFor(
  session: Session,
  place: StreamPlace,
  request: ClaimRequest,
  group: string,
  signal: AbortSignal,
): Promise<ConsumerInfo> {
  if (/[\s.*>/\\]/.test(group))
    throw new UsageError(`"${group}" cannot be the name of a consumer`, {
      hint: 'no dots, blanks, slashes, * and >',
    });
  if (group.startsWith(ownPrefix))
    throw new UsageError(`names that begin with "${ownPrefix}" are for mqctl's own consumers`);
  const from = request.from === null ? null : only(request.from, place.channel);
  const sequence = from === null ? 1 : await sequenceOf(session, place, from, null, signal);
  const start: Partial<ConsumerConfig> =
    sequence <= Math.max(1, place.info.state.first_seq)
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
  return create(
    session,
    place.info.config.name,
    {
      durable_name: group,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanosOf(request.leaseMs ?? defaultLeaseMs),
      ...start,
      ...(place.filter !== null && { filter_subject: place.filter }),
    },
    signal,
  );
}

async function create(
  session: Session,
  stream: string,
  config: Partial<ConsumerConfig>,
  signal: AbortSignal,
): Promise<ConsumerInfo> {
  const about = `stream "${stream}"`;
  try {
    return await session.ask(about, ({ consumers }) => consumers.add(stream, config), signal);
  } catch (error) {
    const name = config.durable_name ?? config.name ?? '';
    const cause = error instanceof Error ? error.cause : null;
    if (apiCode(cause) !== apiCodes.consumerExists) throw error;
    // Somebody was first: theirs is as good.
    return session.ask(`consumer "${name}"`, ({ consumers }) => consumers.info(stream, name), signal);
  }
}

async function shared(
  session: Session,
  taking: Taking,
  request: ClaimRequest,
  signal: AbortSignal,
): Promise<Claiming> {
  const { stream, filters } = taking;
  const name = `${ownPrefix}take-${createHash('sha256').update(taking.channel).digest('hex').slice(0, 16)}`;
  const [filter, ...more] = filters;
  let consumer: ConsumerInfo;
  try {
    consumer = await create(
      session,
      stream,
      {
        // Durable, since only then it may have several filters and a name; it goes away all the same.
        durable_name: name,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanosOf(request.leaseMs ?? defaultLeaseMs),
        deliver_policy: DeliverPolicy.All,
        inactive_threshold: nanosOf(unusedMs),
        max_ack_pending: -1,
        ...(more.length > 0
          ? { filter_subjects: [...filters] }
          : filter !== undefined && { filter_subject: filter }),
      },
      signal,
    );
  } catch (error) {
    if (!taking.workqueue || error instanceof NotFoundError) throw error;
    throw new FailedError(
      `messages of the work queue "${stream}" cannot be taken beside its consumers: ${errorText(error)}`,
      {
        hint: 'take them for the consumer that they are for: --group NAME',
        cause: error,
      },
    );
  }
  const own = consumer.name;
  return ConsumerClaiming.open(
    session,
    {
      consumer,
      follow: request.follow,
      window: request.window,
      countsDeliveries: false,
      toMessages: taking.toMessages,
      remove: taking.remove,
      removedByAck: taking.removedByAck,
      leave: async () => leaveShared(session, stream, own),
    },
    signal,
  );
}

/** The last one out removes it; where that fails, the server does. */
async function leaveShared(session: Session, stream: string, name: string): Promise<void> {
  const signal = AbortSignal.timeout(session.timeoutMs);
  try {
    await session.ask(
      `consumer "${name}"`,
      async ({ consumers }) => {
        const { num_waiting: waiting, num_ack_pending: held } = await consumers.info(stream, name);
        if (waiting === 0 && held === 0) await consumers.delete(stream, name);
      },
      signal,
    );
  } catch {
    return;
  }
}
