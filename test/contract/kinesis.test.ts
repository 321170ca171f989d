import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/kinesis.ts';

runSuite(system);
