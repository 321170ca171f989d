/** Requests under way at once, over all brokers: enough to keep them busy, few enough not to be a burden. */
const limit = 8;

/** Runs `work` for each item, a bounded number at once, results in the items' order. The first failure fails all. */
export async function eachInFlight<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array<Result>(items.length);
  const entries = items.entries();
  const runner = async (): Promise<void> => {
    // One iterator for all runners: each entry is taken once.
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}

/** Parts of at most `size` items. */
export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size));
  return parts;
}
