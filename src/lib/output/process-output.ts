import { Output } from './output.ts';

/** The output of this process. Made once, so that a closed pipe is noticed before the first command is known. */
export const processOutput = new Output(process.stdout, process.stderr);
