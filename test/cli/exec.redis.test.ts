import { describe } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { deadLetterCase } from './exec.ts';

describe('a script as a consumer of a stream of Redis', () => {
  deadLetterCase({
    context: () => addressOf('redis'),
    take: (stream) => ['--group', `group-${stream}`],
    skip: without('redis'),
  });
});
