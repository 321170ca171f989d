/** What one writes with amqplib to write so many messages to standard output, each acknowledged: `URL QUEUE COUNT PREFETCH`. */
import { connect } from 'amqplib';

const [, , url = '', queue = '', count = '', prefetch = ''] = process.argv;
const connection = await connect(url);
const channel = await connection.createChannel();
await channel.prefetch(Number(prefetch));
const lineEnd = Buffer.from('\n');
let taken = 0;
await new Promise<void>((resolve, reject) => {
  const take = channel.consume(queue, (message) => {
    if (message === null) return reject(new Error('the queue is gone'));
    process.stdout.write(Buffer.concat([message.content, lineEnd]));
    channel.ack(message);
    taken += 1;
    if (taken === Number(count)) resolve();
  });
  take.catch(reject);
});
await channel.close();
await connection.close();
