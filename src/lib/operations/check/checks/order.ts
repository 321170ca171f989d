import { ofEachSample, result, type Check } from '../check.ts';

export const order: Check = {
  id: 'order',
  about: 'one key on several partitions: its messages have no order',
  limit: null,
  run: async (subject) => {
    if (subject.declaration.facets.look?.partitions === false)
      return subject.channels.map((channel) => result(channel, 'pass', 'it has no partitions'));
    return ofEachSample(subject, (facts, channel) => {
      const places = new Map<string, string | null>();
      const scattered = new Set<string>();
      for (const { key, partition } of facts) {
        if (key === null) continue;
        if (places.has(key) && places.get(key) !== partition) scattered.add(key);
        places.set(key, partition);
      }
      if (places.size === 0) return result(channel, 'unknown', 'no message of the sample has a key');
      const evidence = `${scattered.size.toString()} of ${places.size.toString()} keys are on several partitions`;
      return result(channel, scattered.size > 0 ? 'fail' : 'pass', evidence);
    });
  },
};
