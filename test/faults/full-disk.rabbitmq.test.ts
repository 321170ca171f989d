import { describe } from 'node:test';
import { system } from '../contract/systems/rabbitmq.ts';
import { fullDiskCases } from './full-disk.ts';

describe('a redrive between quorum queues of RabbitMQ', () => {
  fullDiskCases({ system, type: 'quorum', settings: { 'x-delivery-limit': '-1' }, exactlyOnce: false });
});
