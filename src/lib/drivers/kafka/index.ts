import type { Driver, OpenDriver } from '../driver.ts';
import { KafkaAdmin } from './admin.ts';
import { KafkaBacklog } from './backlog.ts';
import { kafkaChannels } from './channels.ts';
import { KafkaCluster } from './cluster.ts';
import { describeTopic } from './describe.ts';
import { KafkaGroups } from './groups.ts';
import { KafkaLook } from './look.ts';
import { KafkaPositions } from './positions.ts';
import { KafkaPublish } from './publish.ts';
import { Session } from './session.ts';

export const open: OpenDriver = async (connection, environment): Promise<Driver> => {
  const session = await Session.open(connection, environment);
  return {
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
  };
};
