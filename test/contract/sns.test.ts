import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/sns.ts';

runSuite(system);
