const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** Milliseconds to wait after so many refusals in a row, by a destination that may take more later: doubled each time. */
export function refusalPauseMs(tries: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** tries);
}
