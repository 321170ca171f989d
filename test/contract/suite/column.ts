import type { ChannelUnderTest, Facets, SystemUnderTest } from './system-under-test.ts';

/** A column of the matrix: a system with one kind of its channels. */
export interface Column {
  readonly name: string;
  readonly system: SystemUnderTest;
  readonly channel: ChannelUnderTest;
  /** What is declared, for this kind of channel. */
  readonly facets: Facets;
}

export function columnsOf(system: SystemUnderTest): Column[] {
  return system.channels.map((channel) => ({
    name: system.channels.length === 1 ? system.name : `${system.name} ${channel.title ?? channel.type}`,
    system,
    channel,
    facets: { ...system.declaration.facets, ...channel.narrowed },
  }));
}
