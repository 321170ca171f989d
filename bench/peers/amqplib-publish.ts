/** What one writes with amqplib to publish the lines of standard input with confirms: `URL QUEUE < FILE`. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect } from 'amqplib';

const [, , url = '', queue = ''] = process.argv;
const connection = await connect(url);
const channel = await connection.createConfirmChannel();
channel.on('return', () => {
  throw new Error('a message was returned');
});
for await (const line of createInterface({ input: process.stdin }))
  if (!channel.sendToQueue(queue, Buffer.from(line), { persistent: true, mandatory: true }))
    await once(channel, 'drain');
await channel.waitForConfirms();
await channel.close();
await connection.close();
