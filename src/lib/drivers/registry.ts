import { UnsupportedError, UsageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Declaration, Driver, DriverFacet, DriverWith, FacetName, OpenDriver } from './driver.ts';
import { declaration as kafka } from './kafka/declaration.ts';
import { declaration as kinesis } from './kinesis/declaration.ts';
import { declaration as local } from './local/declaration.ts';
import { declaration as nats } from './nats/declaration.ts';
import { declaration as rabbitmq } from './rabbitmq/declaration.ts';
import { declaration as redis } from './redis/declaration.ts';
import { declaration as sns } from './sns/declaration.ts';
import { declaration as sqs } from './sqs/declaration.ts';

export interface RegisteredSystem {
  readonly declaration: Declaration;
  /** Loads the driver and, with it, its client library: only when its scheme is used. */
  readonly load: () => Promise<{ readonly open: OpenDriver }>;
}

/** Every system, in the order of the documentation. Adding one is a folder and a line here. */
export const systems: readonly RegisteredSystem[] = [
  { declaration: local, load: () => import('./local/index.ts') },
  { declaration: kafka, load: () => import('./kafka/index.ts') },
  { declaration: rabbitmq, load: () => import('./rabbitmq/index.ts') },
  { declaration: redis, load: () => import('./redis/index.ts') },
  { declaration: sqs, load: () => import('./sqs/index.ts') },
  { declaration: sns, load: () => import('./sns/index.ts') },
  { declaration: kinesis, load: () => import('./kinesis/index.ts') },
  { declaration: nats, load: () => import('./nats/index.ts') },
];

/** Throws `UsageError` for a scheme that nobody serves. */
export function systemOf(url: string): RegisteredSystem {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const schemes = systems.flatMap(({ declaration }) => declaration.schemes);
  const found = systems.find(
    ({ declaration }) => scheme !== undefined && declaration.schemes.includes(scheme),
  );
  if (found !== undefined) return found;
  const meant = scheme === undefined ? null : nearest(scheme, schemes);
  throw new UsageError(
    `${scheme === undefined ? `"${url}" is no URL` : `no system has the scheme "${scheme}:"`}`,
    {
      hint:
        meant === null
          ? `known are ${schemes.map((name) => `${name}:`).join(' ')}`
          : `did you mean "${meant}:"?`,
    },
  );
}

/** Refuses a verb that this system has not got, before anything is loaded or connected. Throws `UnsupportedError`. */
export function requireFacets(declaration: Declaration, verb: string, facets: readonly FacetName[]): void {
  const missing = facets.find((facet) => declaration.facets[facet] === undefined);
  if (missing === undefined) return;
  const instead = declaration.instead[missing];
  throw new UnsupportedError(`${declaration.system} has not got "${verb}"`, {
    ...(instead === undefined ? {} : { hint: instead }),
  });
}

/** Whether the driver, open by now, has all of these. */
export function hasFacets<Name extends DriverFacet>(
  driver: Driver,
  facets: readonly Name[],
): driver is DriverWith<Name> {
  return facets.every((facet) => driver[facet] !== undefined);
}
