/** Valkey 8. */
import { without } from '../../brokers/needs.ts';
import { redisAt } from './redis-at.ts';

export const system = redisAt(
  'valkey',
  without('valkey'),
  process.env['MQCTL_TEST_VALKEY'] ?? 'redis://127.0.0.1:6379',
);
