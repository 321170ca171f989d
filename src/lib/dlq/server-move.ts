/** Leaves a redrive to the system's own means, and watches it. */
import type { ServerMove, ServerMoveRequest } from '../drivers/driver.ts';
import type { Clock } from './clock.ts';

export interface ServerMoveReport {
  readonly channel: string;
  /** null: each where it came from. */
  readonly to: string | null;
  readonly state: 'done' | 'failed' | 'cancelled' | 'unknown';
  /** As the server counts them; null where it does not say. */
  readonly moved: number | null;
  readonly toMove: number | null;
  readonly reason: string | null;
}

const pollMs = 500;

/** Ends when the task does; an abort cancels it, and what was moved stays moved. */
export async function moveByServer(
  mover: ServerMove,
  request: ServerMoveRequest,
  clock: Clock,
  onProgress: (moved: number) => void,
  signal: AbortSignal,
): Promise<ServerMoveReport> {
  const { channel, to } = request;
  const task = await mover.start(request, signal);
  const finishing = new AbortController().signal;
  let moved = 0;
  let cancelled = false;
  for (;;) {
    if (signal.aborted && !cancelled) {
      cancelled = true;
      await mover.cancel(channel, task, finishing);
    }
    const progress = await mover.progress(channel, finishing);
    if (progress === null)
      return {
        channel,
        to,
        state: cancelled ? 'cancelled' : 'unknown',
        moved: null,
        toMove: null,
        reason: null,
      };
    onProgress(progress.moved - moved);
    moved = progress.moved;
    const { state, toMove, reason } = progress;
    if (state !== 'running') return { channel, to, state, moved, toMove, reason };
    await clock.sleep(pollMs, cancelled ? finishing : signal);
  }
}
