/** Every system that the suite knows, loaded when it is asked for. */
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const systems: Readonly<Record<string, () => Promise<{ readonly system: SystemUnderTest }>>> = {
  local: () => import('./local.ts'),
  kafka: () => import('./kafka.ts'),
  rabbitmq: () => import('./rabbitmq.ts'),
  sqs: () => import('./sqs.ts'),
  redis: () => import('./redis.ts'),
  valkey: () => import('./valkey.ts'),
  kinesis: () => import('./kinesis.ts'),
  nats: () => import('./nats.ts'),
  sns: () => import('./sns.ts'),
};

export const systemNames: readonly string[] = Object.keys(systems);

/** Throws for a name that it does not know. */
export async function systemNamed(name: string): Promise<SystemUnderTest> {
  const load = systems[name];
  if (load === undefined) throw new Error(`no system "${name}": known are ${systemNames.join(', ')}`);
  return (await load()).system;
}
