/**
 * What the author of a driver writes to have it tested: where the real server is, and the few things that differ from
 * system to system and cannot be declared. `systems/local.ts` is the shortest example. Everything else is in `cases/`.
 */
import type { Connection, Declaration, FacetTraits, OpenDriver } from '../../../src/lib/drivers/driver.ts';
import type { OutgoingMessage, Properties } from '../../../src/lib/message/message.ts';

export interface SystemUnderTest {
  /** The name of the file in `systems/`. */
  readonly name: string;
  readonly declaration: Declaration;
  readonly open: OpenDriver;
  /** The emulator that stands for a service which runs nowhere else; left out where it is the real system. */
  readonly emulator?: string;
  /** Why there is no server here, with the remedy; false where there is one. */
  readonly missing: string | false;
  /** The server, with a login that may do everything. */
  connection(): Connection;
  /** The system with a login that it refuses; null where it knows no logins. */
  readonly wrongLogin: (() => Connection) | null;
  /** An address where nothing answers. */
  unreachable(): Connection;
  /** How to reach it through a proxy that can be cut; null where there is no network between. */
  readonly network: Network | null;
  /** Every kind of channel that it has: each is a column of the matrix. */
  readonly channels: readonly ChannelUnderTest[];
}

export interface Network {
  readonly host: string;
  readonly port: number;
  /** The same server with the same login, at the port of a proxy on 127.0.0.1. */
  through(proxyPort: number): Connection;
}

export type Facets = { readonly [Name in keyof FacetTraits]?: FacetTraits[Name] | undefined };

/** One kind of channel, with what has to be set up for the cases; null where it has not got such a thing. */
export interface ChannelUnderTest {
  /** As `create --type` takes it. */
  readonly type: string;
  /** How the kind is called in the matrix, where `type` does not tell it from another. */
  readonly title?: string;
  /** What the name of such a channel begins with, where the system wants that. */
  readonly namePrefix?: string;
  /** A list of all channels has none of these: a pattern asks for them. */
  readonly listedByPattern?: true;
  /** What the name of such a channel ends with, where the system wants that. */
  readonly nameSuffix?: string;
  /** Where this kind has less than the system declares: `undefined` for a facet that it has not got. */
  readonly narrowed: Facets;
  /** One value for each property that it declares to publish again exactly. `channel` is where it is published to. */
  properties(channel: string): Properties;
  /** Types of headers that this kind refuses or changes, though the system has them. */
  readonly withoutHeaderTypes: readonly string[];
  /** Settings under which `bytes` are more than one message may have. */
  readonly tooLarge: { readonly settings: Readonly<Record<string, string>>; readonly bytes: number } | null;
  /** Settings under which publishing is refused after about `holds` messages. */
  readonly full: { readonly settings: Readonly<Record<string, string>>; readonly holds: number } | null;
  /** A message that nothing would receive, published to `channel`, which is there. */
  readonly unroutable: { readonly channel: string; readonly message: OutgoingMessage } | null;
  /** Settings under which a message dies by itself, or after so many deliveries that were given back. */
  readonly dying: {
    readonly settings: Readonly<Record<string, string>>;
    readonly after: 'deliveries' | 'waiting';
  } | null;
  /** What an aborted transaction wrote stays in the channel and can be looked at. */
  readonly keepsAborted: boolean;
  /** A setting that a channel made without it can get later: a value, another, and one that it does not take. */
  readonly setting: {
    readonly name: string;
    readonly value: string;
    readonly other: string;
    readonly wrong: string;
  };
  /** Settings under which a claim lasts for a second or less, unless a claim asks for it itself. */
  readonly shortLease: Readonly<Record<string, string>> | null;
  /** Clients of the system's own that stand for groups; absent where claims do, or there are no groups. */
  readonly readers?: OwnReaders;
}

export interface OwnReaders {
  /** Somebody reads for the group, settles the first `settled`, and leaves. */
  stand(channel: string, group: string, settled: number): Promise<void>;
  /** Somebody reads for the group and settles nothing; resolves, once the server tells of it, with how it leaves, which may be asked twice. */
  join(channel: string, group: string): Promise<() => Promise<void>>;
}
