import { test } from 'node:test';
import { system } from '../contract/systems/kafka.ts';
import { backlogCase } from './redrive-backlog.ts';

test(
  'too much that waits in the destination pauses a redrive, then ends it with that reason; once it is read, the rest goes',
  { skip: system.missing },
  (context) => backlogCase(context, system),
);
