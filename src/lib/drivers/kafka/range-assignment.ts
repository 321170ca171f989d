import type { Assignment } from './protocol/membership/consumer-protocol.ts';

/**
 * Kafka's range assignor: of each topic every member that wants it gets a row of neighbours, the first ones one more
 * where it does not come out even. `subscriptions` is topics by member.
 */
export function rangeAssignment(
  subscriptions: ReadonlyMap<string, readonly string[]>,
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Assignment> {
  const assigned = new Map([...subscriptions.keys()].map((member) => [member, new Map<string, number[]>()]));
  for (const topic of new Set([...subscriptions.values()].flat())) {
    const members = [...subscriptions.keys()]
      .filter((member) => subscriptions.get(member)?.includes(topic))
      .sort();
    const count = partitionCounts.get(topic) ?? 0;
    const share = Math.floor(count / members.length);
    const extra = count % members.length;
    members.forEach((member, index) => {
      const first = index * share + Math.min(index, extra);
      const length = share + (index < extra ? 1 : 0);
      if (length > 0)
        assigned.get(member)?.set(
          topic,
          Array.from({ length }, (_, each) => first + each),
        );
    });
  }
  return assigned;
}
