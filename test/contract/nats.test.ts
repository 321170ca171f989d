import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/nats.ts';

runSuite(system);
