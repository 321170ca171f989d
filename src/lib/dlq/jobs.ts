import { JobStore } from '../store/jobs.ts';

/** The redrives that were run on this machine by this user. */
export function redriveJobs(stateFolder: string): JobStore {
  return new JobStore(stateFolder);
}
