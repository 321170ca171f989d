import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/local.ts';

runSuite(system);
