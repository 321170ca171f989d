import { describe } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { execCases } from './exec.ts';

describe('a script as a member of a group of Kafka', () => {
  execCases({
    context: () => `kafka://${addressOf('kafka')}`,
    // A member that was killed is one for ten seconds more.
    take: (topic) => ['--group', `group-${topic}`, '--join'],
    skip: without('kafka'),
  });
});
