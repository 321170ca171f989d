/** What a scheme has, declared as data. */
import type { AdminTraits } from './admin.ts';
import type { BacklogTraits } from './backlog.ts';
import type { ClaimTraits } from './claim.ts';
import type { ResolutionTraits } from './dead-letters.ts';
import type { GroupsTraits } from './groups.ts';
import type { LookTraits } from './look.ts';
import type { PositionsTraits } from './positions.ts';
import type { PublishTraits } from './publish.ts';
import type { RequestTraits } from './requests.ts';
import type { ServerMoveTraits } from './server-move.ts';

export interface FacetTraits {
  readonly publish: PublishTraits;
  readonly requests: RequestTraits;
  readonly look: LookTraits;
  readonly claim: ClaimTraits;
  readonly backlog: BacklogTraits;
  readonly groups: GroupsTraits;
  readonly positions: PositionsTraits;
  readonly deadLetters: ResolutionTraits;
  readonly serverMove: ServerMoveTraits;
  readonly atomicMove: { readonly scope: string };
  readonly lease: { readonly scope: 'broker' | 'machine' };
  readonly admin: AdminTraits;
  readonly cluster: Readonly<Record<never, never>>;
}

export type FacetName = keyof FacetTraits;

/** What a scheme has, as data: nothing is loaded to read it. */
export interface Declaration {
  /** `Apache Kafka`. */
  readonly system: string;
  /** URL schemes without the colon, the plain one first. */
  readonly schemes: readonly string[];
  /** An address to show in help and errors. */
  readonly exampleUrl: string;
  /** What the field calls a channel here. */
  readonly channelWord: 'topic' | 'queue' | 'stream' | 'subject' | 'channel';
  readonly facets: { readonly [Name in FacetName]?: FacetTraits[Name] };
  /** For a facet that is absent: what to use instead, one sentence. */
  readonly instead: { readonly [Name in FacetName]?: string };
  /** Keys of a context that this system reads beside `url`. */
  readonly contextKeys: readonly string[];
}
