import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/sqs.ts';

runSuite(system);
