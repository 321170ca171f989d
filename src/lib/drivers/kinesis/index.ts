import type { Driver, OpenDriver } from '../driver.ts';
import { KinesisAdmin } from './admin.ts';
import { KinesisBacklog } from './backlog.ts';
import { kinesisChannels } from './channels.ts';
import { KinesisClaim } from './claim.ts';
import { KinesisCluster } from './cluster.ts';
import { describeStream } from './describe.ts';
import { GroupStore } from './group-store.ts';
import { KinesisGroups } from './groups.ts';
import { KinesisLook } from './look.ts';
import { KinesisPublish } from './publish.ts';
import { ReadPace } from './read-pace.ts';
import { openStreams } from './session.ts';

export const open: OpenDriver = async (connection, environment): Promise<Driver> => {
  const session = await openStreams(connection, environment);
  const store = new GroupStore(environment.stateFolder, session.target);
  const pace = new ReadPace();
  return {
    target: session.target,
    channels: (request, signal) => kinesisChannels(session, request, signal),
    describe: (channel, signal) => describeStream(session, store, channel, signal),
    close: () => session.close(),
    publish: new KinesisPublish(session),
    look: new KinesisLook(session, pace, store),
    claim: new KinesisClaim(session, pace, store),
    backlog: new KinesisBacklog(session, pace, store),
    groups: new KinesisGroups(store),
    admin: new KinesisAdmin(session),
    cluster: new KinesisCluster(session),
  };
};
