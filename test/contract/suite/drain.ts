/** Goes through all of it and keeps nothing. */
export async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const batch of batches) void batch;
}
