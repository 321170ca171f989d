import { JobStore } from '../store/jobs.ts';

export { jobKinds } from '../store/jobs.ts';

/** What was run on this machine by this user: redrives and everything else. */
export function redriveJobs(stateFolder: string): JobStore {
  return new JobStore(stateFolder);
}
