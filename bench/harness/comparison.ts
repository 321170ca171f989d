import type { Used } from './whole-process.ts';

/** One way to do the work. */
export interface Side {
  readonly name: string;
  /** Once; `round` is for names that must be new. */
  readonly run: (round: number) => Promise<Used>;
}

/** What is wanted of one side: at most so many times what another takes. */
export interface Goal {
  readonly of: string;
  readonly atMost: number;
  readonly times: string;
}

/**
 * Does the work with each of them in turn, every second round in reverse, so that a load from elsewhere meets all alike.
 * Prints medians, and the median of the rounds' ratios to the first.
 */
export async function compare(
  title: string,
  rounds: number,
  sides: readonly Side[],
  goals: readonly Goal[],
): Promise<void> {
  const used = new Map<string, Used[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const { name, run } of round % 2 === 0 ? sides : sides.toReversed())
      used.get(name)?.push(await run(round));
  const seconds = (name: string): number[] => (used.get(name) ?? []).map((each) => each.seconds);
  const reference = sides[0]?.name ?? '';
  const width = Math.max(...sides.map(({ name }) => name.length));
  console.log(`\n${title}, median of ${rounds.toString()}`);
  console.log(`| ${''.padEnd(width)} | seconds | ratio | processor | peak MiB |`);
  console.log(`| ${'-'.repeat(width)} | ------- | ----- | --------- | -------- |`);
  for (const { name } of sides) {
    const own = used.get(name) ?? [];
    const cells = [
      name.padEnd(width),
      median(seconds(name)).toFixed(3).padStart(7),
      medianRatio(seconds(name), seconds(reference)).toFixed(2).padStart(5),
      median(own.map((each) => each.processorSeconds))
        .toFixed(2)
        .padStart(9),
      median(own.map((each) => each.peakMiB))
        .toFixed(0)
        .padStart(8),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  for (const { of, atMost, times } of goals) {
    const ratio = medianRatio(seconds(of), seconds(times));
    tellGoal(`${of} at most ${atMost.toString()} × ${times}`, ratio <= atMost, ratio.toFixed(2));
  }
}

export function tellGoal(goal: string, reached: boolean, figure: string): void {
  console.log(`${reached ? 'reached' : 'NOT reached'}: ${goal} (${figure})`);
}

/** Each pair was measured in the same round. */
function medianRatio(ones: readonly number[], others: readonly number[]): number {
  return median(ones.map((one, at) => one / (others[at] ?? NaN)));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}
