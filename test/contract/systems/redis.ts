/** Redis 8. */
import { without } from '../../brokers/needs.ts';
import { redisAt } from './redis-at.ts';

export const system = redisAt(
  'redis',
  without('redis'),
  process.env['MQCTL_TEST_REDIS'] ?? 'redis://127.0.0.1:6379',
);
