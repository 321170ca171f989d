import { setTimeout as sleep } from 'node:timers/promises';

import { errorText } from '../../errors.ts';
import type { LagReport } from '../../operations/lag/report.ts';
import type { Thresholds } from '../../operations/lag/thresholds.ts';
import type { Output } from '../../output/output.ts';
import { Screen } from '../../output/screen.ts';
import { readKeys } from '../../prompt/keys.ts';
import { lagDocument } from './tables.ts';
import { mostTop, trendName, watchLines, type Watched } from './watch-screen.ts';
import { afterKey, firstState } from './watch-state.ts';

export interface Watching {
  readonly intervalMs: number;
  readonly thresholds: Thresholds;
}

type Read = (signal: AbortSignal) => Promise<LagReport>;

/** So many looks make the picture of the trend. */
const trendLooks = 20;

/** Piped, or asked for as JSON: one record for each interval, until it is interrupted. */
export async function recordLag(
  output: Output,
  read: Read,
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await output.printLines(JSON.stringify(lagDocument(await read(signal))));
    await sleep(intervalMs, undefined, { signal });
  }
}

/**
 * Redraws in place until `q` or a signal; the terminal is then as it was. A look that fails after the first is said, and the
 * next one tried: it is watched because something is wrong.
 */
export async function watchLag(
  output: Output,
  read: Read,
  { intervalMs, thresholds }: Watching,
  signal: AbortSignal,
): Promise<void> {
  const screen = new Screen(output.data);
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  let state = firstState;
  let watched: Watched = { report: await read(signal), trends: new Map(), problem: null };
  watched = { ...watched, trends: trendsAfter(watched, true) };
  const draw = async (): Promise<void> => {
    const { columns, rows } = screen;
    const interactive = process.stdin.isTTY;
    await screen.draw(watchLines(output, watched, state, { thresholds, columns, rows, interactive }));
  };
  const redraw = (): void => void draw().catch(() => ended.abort());
  const size = screen.onResize(redraw);
  const keys = readKeys((key) => {
    state = afterKey(state, key, mostTop(watched.report, state, screen.rows));
    if (state.ended) ended.abort();
    else redraw();
  });
  try {
    for (;;) {
      await draw();
      await sleep(intervalMs, undefined, { signal: either });
      try {
        watched = { ...watched, report: await read(either), problem: null };
        watched = { ...watched, trends: trendsAfter(watched, false) };
      } catch (error) {
        either.throwIfAborted();
        watched = { ...watched, problem: errorText(error) };
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!ended.signal.aborted) throw error;
  } finally {
    keys[Symbol.dispose]();
    size[Symbol.dispose]();
    screen.close();
  }
}

/** The first look has what earlier runs saw. */
function trendsAfter({ report, trends }: Watched, first: boolean): Watched['trends'] {
  return new Map(
    report.groups.map((group) => {
      const name = trendName(group);
      const lags = first ? group.history : [...(trends.get(name) ?? []), group.lag];
      return [name, lags.slice(-trendLooks)];
    }),
  );
}
