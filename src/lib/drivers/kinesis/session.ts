/** The clients of Kinesis, and the two ways to call it. */
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { AwsSession, openSession } from '../aws/aws-session.ts';
import type { Opened } from '../aws/aws-session.ts';
import type { Connection, Environment } from '../driver.ts';

const kind = { name: 'Amazon Kinesis', scheme: 'kinesis', thing: 'stream' };

export type Session = AwsSession<KinesisClient>;

/** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export function openStreams(connection: Connection, environment: Environment): Promise<Session> {
  return openSession(kind, connection, environment, {
    client: (settings) => new KinesisClient(settings),
    session: (opened: Opened<KinesisClient>): Session => new AwsSession(opened),
    probe: (session, signal) =>
      session.ask((client, options) => client.send(new ListStreamsCommand({ Limit: 1 }), options), signal),
  });
}
