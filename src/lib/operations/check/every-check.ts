import type { Check } from './check.ts';
import { backoff } from './checks/backoff.ts';
import { clock } from './checks/clock.ts';
import { correlationId } from './checks/correlation-id.ts';
import { dlqDepth } from './checks/dlq-depth.ts';
import { dlq } from './checks/dlq.ts';
import { duplicates } from './checks/duplicates.ts';
import { durability } from './checks/durability.ts';
import { failover } from './checks/failover.ts';
import { idempotency } from './checks/idempotency.ts';
import { lagAlert } from './checks/lag-alert.ts';
import { lagTrend } from './checks/lag-trend.ts';
import { order } from './checks/order.ts';
import { prefetch } from './checks/prefetch.ts';
import { processingTime } from './checks/processing-time.ts';
import { publishRate } from './checks/publish-rate.ts';
import { retryRate } from './checks/retry-rate.ts';
import { schema } from './checks/schema.ts';
import { traceparent } from './checks/traceparent.ts';

/** What is measured first, then the checklist of a system that goes into production. */
export const everyCheck: readonly Check[] = [
  publishRate,
  lagTrend,
  dlqDepth,
  retryRate,
  processingTime,
  duplicates,
  idempotency,
  correlationId,
  dlq,
  lagAlert,
  backoff,
  schema,
  traceparent,
  failover,
  durability,
  prefetch,
  clock,
  order,
];
