import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/valkey.ts';

runSuite(system);
