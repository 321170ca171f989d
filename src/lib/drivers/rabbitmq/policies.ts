/** Policies as an administrator wrote them, and which of them reaches a queue. */
import type { ManagementApi } from './management.ts';
import { numberOf, objectOf, objectsOf, textOf } from './json.ts';
import type { JsonObject } from './json.ts';
import type { QueueFacts } from './queue-facts.ts';

/** `apply-to` of a policy that reaches a queue of a type. */
export const appliesTo: Readonly<Record<string, string>> = {
  classic: 'classic_queues',
  quorum: 'quorum_queues',
  stream: 'streams',
};

export interface Policy {
  readonly name: string;
  readonly pattern: string;
  readonly applyTo: string;
  readonly priority: number;
  readonly definition: JsonObject;
}

/** Those of users, or those with which an administrator limits them. Throws `FailedError` where this login may not see them. */
export async function readPolicies(
  api: ManagementApi,
  vhost: string,
  kind: 'policies' | 'operator-policies',
  signal: AbortSignal,
): Promise<readonly Policy[]> {
  return objectsOf(await api.get(`/api/${kind}/${encodeURIComponent(vhost)}`, signal)).map(parsePolicy);
}

function parsePolicy(answer: JsonObject): Policy {
  return {
    name: textOf(answer['name']) ?? '',
    pattern: textOf(answer['pattern']) ?? '',
    applyTo: textOf(answer['apply-to']) ?? 'all',
    priority: numberOf(answer['priority']) ?? 0,
    definition: objectOf(answer['definition']),
  };
}

/** The one that applies; null: none does. */
export function highest(policies: readonly Policy[], queue: QueueFacts): Policy | null {
  const [first = null] = policies
    .filter((policy) => reaches(policy, queue))
    .toSorted((one, other) => other.priority - one.priority);
  return first;
}

function reaches({ pattern, applyTo }: Policy, { name, type }: QueueFacts): boolean {
  if (applyTo !== 'all' && applyTo !== 'queues' && applyTo !== appliesTo[type]) return false;
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false; // written for another kind of regular expression
  }
}
