/** JetStream's interface counts time in nanoseconds. */
export const nanosOf = (milliseconds: number): number => Math.round(milliseconds * 1e6);
export const millisecondsOf = (nanos: number): number => Math.round(nanos / 1e6);
