import type { Driver } from '../drivers/driver.ts';

/** A driver that has these facets: whoever connected has checked it. */
export type DriverWith<Name extends keyof Driver> = Driver & {
  readonly [Facet in Name]-?: NonNullable<Driver[Facet]>;
};
