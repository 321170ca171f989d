import type { Driver, OpenDriver } from '../driver.ts';
import { KafkaAdmin } from './admin.ts';
import { KafkaAtomicMove } from './atomic-move.ts';
import { KafkaBacklog } from './backlog.ts';
import { kafkaChannels } from './channels.ts';
import { KafkaClaim } from './claim.ts';
import { KafkaCluster } from './cluster.ts';
import { KafkaDeadLetters } from './dead-letters.ts';
import { describeTopic } from './describe.ts';
import { KafkaGroups } from './groups.ts';
import { KafkaLease } from './lease.ts';
import { KafkaLook } from './look.ts';
import { KafkaPositions } from './positions.ts';
import { KafkaPublish } from './publish.ts';
import { Session } from './session.ts';

/** Whose session a driver has: a move needs to know whether both ends are one cluster. */
const sessions = new WeakMap<Driver, Session>();

export const open: OpenDriver = async (connection, environment): Promise<Driver> => {
  const session = await Session.open(connection, environment);
  const driver: Driver = {
    target: session.target,
    channels: (request, signal) => kafkaChannels(session, request, signal),
    describe: (channel, signal) => describeTopic(session, channel, signal),
    close: () => session.close(),
    publish: new KafkaPublish(session),
    look: new KafkaLook(session),
    backlog: new KafkaBacklog(session),
    groups: new KafkaGroups(session),
    positions: new KafkaPositions(session),
    admin: new KafkaAdmin(session),
    cluster: new KafkaCluster(session),
    claim: new KafkaClaim(session),
    deadLetters: new KafkaDeadLetters(session),
    lease: new KafkaLease(session),
    atomicMove: async ({ source, destination, channel, name }, signal) => {
      const other = sessions.get(destination);
      if (other === undefined || !(await isSameCluster(session, other, signal))) return null;
      return KafkaAtomicMove.open({ session, source, channel, name }, signal);
    },
  };
  sessions.set(driver, session);
  return driver;
};

async function isSameCluster(one: Session, other: Session, signal: AbortSignal): Promise<boolean> {
  if (one === other) return true;
  const [here, there] = await Promise.all([one.metadata([], signal), other.metadata([], signal)]);
  return here.cluster !== null && here.cluster === there.cluster;
}
