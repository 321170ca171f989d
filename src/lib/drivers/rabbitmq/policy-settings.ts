/**
 * Settings of a queue that is there: RabbitMQ changes no argument of it, but a policy gives it more. Only one policy applies to
 * a queue, so ours (`mqctl-QUEUE`, for exactly this queue, above all others) holds what the one below it says, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { AlterRequest, ChannelSetting } from '../driver.ts';
import { parseChannelName } from './channel-name.ts';
import { parseSettings } from './declare-settings.ts';
import { numberOf, settingsOf } from './json.ts';
import type { JsonObject } from './json.ts';
import type { Management, ManagementApi } from './management.ts';
import { appliesTo, highest, readPolicies, type Policy } from './policies.ts';
import { appliedPolicy, queueFacts } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';

/** Keys of policies by type of queue (RabbitMQ, "Policies" and the pages of each queue type). */
const everywhere = ['max-length-bytes', 'queue-leader-locator'];
const inQueues = [
  'message-ttl',
  'expires',
  'max-length',
  'overflow',
  'dead-letter-exchange',
  'dead-letter-routing-key',
  'consumer-timeout',
  ...everywhere,
];
const policyKeys: Readonly<Record<string, readonly string[]>> = {
  classic: [...inQueues, 'queue-version'],
  quorum: [...inQueues, 'dead-letter-strategy', 'delivery-limit', 'target-group-size'],
  stream: [...everywhere, 'max-age', 'stream-max-segment-size-bytes'],
};

const pauseMs = 50;
const appliedWithinMs = 10_000;

interface Standing {
  readonly api: ManagementApi;
  readonly queue: QueueFacts;
  /** null: there is none. */
  readonly ours: Policy | null;
  /** What would apply without ours. */
  readonly below: Policy | null;
  /** What an administrator limits it to, whatever other policies say. */
  readonly operator: Policy | null;
}

export class PolicySettings {
  readonly #management: Management;
  readonly #vhost: string;
  readonly #target: string;

  constructor(management: Management, vhost: string, target: string) {
    this.#management = management;
    this.#vhost = vhost;
    this.#target = target;
  }

  async read(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    const standing = await this.#standing(channel, signal);
    return names.map((given) => settingOf(standing, given));
  }

  async alter({ channel, changes, checkOnly }: AlterRequest, signal: AbortSignal): Promise<void> {
    const standing = await this.#standing(channel, signal);
    const { api, queue, below } = standing;
    const own = new Map(Object.entries(ownOf(standing)));
    for (const { name: given, value } of changes) {
      const { name, fixed } = settingOf(standing, given);
      if (fixed !== null)
        throw new UnsupportedError(`${name} of "${channel}" cannot be set`, { hint: fixed });
      if (value === null) own.delete(name);
      else own.set(name, parseValue(queue.type, name, value));
    }
    if (checkOnly) return;
    const path = this.#policyPath(policyName(queue.name));
    if (own.size === 0) await api.delete(path, 'mqctl set --undo', signal);
    else
      await api.put(
        path,
        {
          pattern: `^${RegExp.escape(queue.name)}$`,
          'apply-to': appliesTo[queue.type] ?? 'queues',
          priority: standing.ours?.priority ?? (below?.priority ?? 0) + 1,
          definition: { ...below?.definition, ...Object.fromEntries(own) },
        },
        signal,
      );
    await this.#applied(
      api,
      queue.name,
      own.size > 0 ? policyName(queue.name) : (below?.name ?? null),
      signal,
    );
    const limited = settingsThatDiffer(await this.#standing(channel, signal), own);
    if (limited.length > 0)
      throw new FailedError(`${limited.join(', ')} of "${channel}" is set, but does not hold`, {
        hint: `the operator policy "${standing.operator?.name ?? ''}" limits it`,
      });
  }

  /** The broker gives a policy to its queues a moment later. */
  async #applied(
    api: ManagementApi,
    queue: string,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = Date.now() + appliedWithinMs;
    for (;;) {
      const applied = await appliedPolicy(api, this.#vhost, queue, signal);
      if (applied === expected) return;
      if (Date.now() > deadline)
        throw new FailedError(
          `"${queue}" should have the policy "${expected ?? 'none'}" now, but has "${applied ?? 'none'}"`,
          { hint: 'another policy for this queue has a higher priority' },
        );
      await sleep(pauseMs, undefined, { signal });
    }
  }

  async #standing(channel: string, signal: AbortSignal): Promise<Standing> {
    const { kind, name } = parseChannelName(channel);
    if (kind === 'exchange')
      throw new UnsupportedError(`"${channel}" is an exchange: it has no settings that can be changed`, {
        hint: 'delete it and create it again, with its bindings',
      });
    const api = await this.#management.require('changing settings', signal);
    const queue = await queueFacts(api, this.#vhost, name, signal);
    if (queue === null) throw new NotFoundError('queue', name, this.#target);
    const policies = await readPolicies(api, this.#vhost, 'policies', signal);
    const ours = policies.find((policy) => policy.name === policyName(queue.name)) ?? null;
    const below = highest(
      policies.filter((policy) => policy !== ours),
      queue,
    );
    const operator = highest(await readPolicies(api, this.#vhost, 'operator-policies', signal), queue);
    return { api, queue, ours, below, operator };
  }

  #policyPath(name: string): string {
    return `/api/policies/${encodeURIComponent(this.#vhost)}/${encodeURIComponent(name)}`;
  }
}

function policyName(queue: string): string {
  return `mqctl-${queue}`;
}

function settingOf(standing: Standing, given: string): ChannelSetting {
  const { queue } = standing;
  const name = given.replace(/^x-/, '');
  const known = policyKeys[queue.type] ?? [];
  const declared = settingsOf(queue.arguments)[`x-${name}`] ?? null;
  if (!known.includes(name)) {
    // What a queue can only be declared with is known, and cannot be changed.
    if (declared !== null || isDeclarable(queue.type, name))
      return { name, own: null, effective: declared, fixed: onlyDeclared };
    const meant = nearest(name, known);
    throw new UsageError(`a ${queue.type} queue has no setting "${given}"`, {
      hint: meant === null ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`,
    });
  }
  const effective = declared ?? settingsOf(effectiveOf(standing))[name] ?? null;
  const own = settingsOf(ownOf(standing))[name] ?? null;
  return { name, own, effective, fixed: declared === null ? null : declaredWith };
}

const declaredWith =
  'the queue was declared with this argument, which RabbitMQ never changes and a policy does not override: delete and create it again';
const onlyDeclared = 'RabbitMQ takes this only when a queue is declared: delete and create it again';

function isDeclarable(type: string, name: string): boolean {
  if (name === 'durable' || name === 'auto-delete') return true;
  for (const value of ['1', 'true'])
    try {
      parseSettings(type, { [`x-${name}`]: value });
      return true;
    } catch {
      // Not this type of value, or not known at all.
    }
  return false;
}

/** What ours says beyond the policy below it. */
function ownOf({ ours, below }: Standing): JsonObject {
  return Object.fromEntries(
    Object.entries(ours?.definition ?? {}).filter(
      ([name, value]) => JSON.stringify(below?.definition[name]) !== JSON.stringify(value),
    ),
  );
}

/** Of numbers that both policies have, the smaller holds; else the operator's word. */
function effectiveOf({ ours, below, operator }: Standing): JsonObject {
  const usual = (ours ?? below)?.definition ?? {};
  const limits = Object.entries(operator?.definition ?? {}).map(([name, limit]): [string, unknown] => {
    const [ownNumber, limitNumber] = [numberOf(usual[name]), numberOf(limit)];
    const smaller = ownNumber !== null && limitNumber !== null && ownNumber < limitNumber;
    return [name, smaller ? ownNumber : limit];
  });
  return { ...usual, ...Object.fromEntries(limits) };
}

function settingsThatDiffer(standing: Standing, own: ReadonlyMap<string, unknown>): string[] {
  const effective = effectiveOf(standing);
  return [...own.keys()].filter((name) => JSON.stringify(effective[name]) !== JSON.stringify(own.get(name)));
}

/** As a declaration takes it, so that numbers are numbers. Throws `UsageError`. */
function parseValue(type: string, name: string, value: string): string | number | boolean {
  if (name === 'target-group-size') return parseValue(type, 'quorum-target-group-size', value);
  const parsed = parseSettings(type, { [`x-${name}`]: value }).arguments[`x-${name}`];
  if (typeof parsed === 'string' || typeof parsed === 'number' || typeof parsed === 'boolean') return parsed;
  throw new UsageError(`the setting ${name} does not take "${value}"`);
}
