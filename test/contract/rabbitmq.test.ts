import { runSuite } from './suite/run-suite.ts';
import { system } from './systems/rabbitmq.ts';

runSuite(system);
