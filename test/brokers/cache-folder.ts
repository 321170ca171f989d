import { join } from 'node:path';

/** Where fetched servers stay between runs: `MQCTL_TEST_CACHE`, else a folder that git ignores. */
export function cacheFolder(): string {
  return process.env['MQCTL_TEST_CACHE'] ?? join(import.meta.dirname, '..', '..', '.cache', 'brokers');
}
