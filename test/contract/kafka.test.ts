import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/kafka.ts';

runSuite(system);
