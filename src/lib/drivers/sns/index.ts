import type { Driver, OpenDriver } from '../driver.ts';
import { SnsAdmin } from './admin.ts';
import { SnsLook } from './look.ts';
import { SnsPublish } from './publish.ts';
import { Session } from './session.ts';
import { describeTopic, snsChannels } from './topics.ts';

export const open: OpenDriver = async (connection, environment): Promise<Driver> => {
  const session = await Session.open(connection, environment);
  return {
    target: session.target,
    channels: ({ match }, signal) => snsChannels(session, match, signal),
    describe: (channel, signal) => describeTopic(session, channel, signal),
    close: async () => {
      session.close();
      await Promise.resolve();
    },
    publish: new SnsPublish(session),
    look: new SnsLook(session),
    admin: new SnsAdmin(session),
  };
};
