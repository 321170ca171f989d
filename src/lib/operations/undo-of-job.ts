import type { Job } from '../store/jobs.ts';
import { readKeptSettings } from './change-settings.ts';
import { readKeptPositions } from './kept-positions.ts';
import { shellLine } from '../shell-line.ts';

/**
 * The command that puts back what this job changed, from what it keeps in its folder; null: nothing is kept there, or it was put back
 * already. Throws `FailedError` for a file that is not ours.
 */
export async function undoOfJob(
  { kind, channel, state }: Pick<Job, 'kind' | 'channel' | 'state'>,
  folder: string,
): Promise<string | null> {
  if (state === 'undone' || state === 'failed') return null;
  if (kind === 'reset')
    return (await readKeptPositions(folder)) === null ? null : shellLine`mqctl offsets undo ${channel}`;
  if (kind !== 'setting') return null;
  const kept = await readKeptSettings(folder);
  return kept === null || kept.undoes !== null ? null : shellLine`mqctl set ${channel} --undo`;
}
