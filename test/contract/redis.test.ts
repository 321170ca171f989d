import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/redis.ts';

runSuite(system);
