import { describe } from 'node:test';
import { system } from '../contract/systems/kafka.ts';
import { fullDiskCases } from './full-disk.ts';

describe('a redrive on Kafka', () => {
  fullDiskCases({ system, type: null, settings: {}, exactlyOnce: true });
});
