import test from 'node:test';
import { system } from '../contract/systems/rabbitmq.ts';
import { killSettingsAndUndo } from './settings-kill.ts';

test(
  'a setting whose change is killed is undone: the value before, and "was not set"',
  { skip: system.missing },
  (context) => killSettingsAndUndo(context, 'rabbitmq', system),
);
