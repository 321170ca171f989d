/** A redrive whose requests SQS takes in part, by a stand-in in front of the emulator ElasticMQ that refuses single entries as AWS does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFront, type FrontAnswer } from '../brokers/aws-front.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

type Entry = Readonly<Record<string, unknown>>;

const listOf = (value: unknown): readonly Entry[] => (Array.isArray(value) ? (value as Entry[]) : []);

const contextAt = (endpoint: string): string => `sqs://key:secret@us-east-1?endpoint=${endpoint}`;

/** What the emulator said of the entries that went there, and what was refused. */
function merged(answer: FrontAnswer | null, refused: readonly Entry[]): FrontAnswer {
  const said = JSON.parse(answer?.body ?? '{}') as Record<string, unknown>;
  return {
    status: 200,
    type: 'application/x-amz-json-1.0',
    body: JSON.stringify({
      Successful: listOf(said['Successful']),
      Failed: [...listOf(said['Failed']), ...refused],
    }),
  };
}

test(
  'entries that are refused in the middle of a redrive, for good, for a moment, or when they are deleted: nothing is lost, and the report says which',
  { skip: without('sqs') },
  async (t) => {
    const place = await workplace(t, contextAt(addressOf('sqs')));
    const dead = await place.channel();
    const orders = await place.channel('--dead-letter', dead, '--setting', 'maxReceiveCount=5');
    const texts = Array.from({ length: 40 }, (_, at) => `message-${String(at).padStart(2, '0')}`);
    await place.done(['produce', dead], `${texts.join('\n')}\n`);
    const momentary = new Set(['message-17']);
    const undeleted = new Set<unknown>();
    const front = await startFront(addressOf('sqs'), async ({ operation, body, pass }) => {
      const entries = listOf(body['Entries']);
      if (operation === 'SendMessageBatch') {
        const refused = entries.flatMap((entry): Entry[] => {
          const text = String(entry['MessageBody']);
          const Id = entry['Id'];
          if (text === 'message-05')
            return [
              { Id, SenderFault: true, Code: 'InvalidMessageContents', Message: 'it is refused for good' },
            ];
          return momentary.delete(text)
            ? [{ Id, SenderFault: false, Code: 'InternalError', Message: 'try again later' }]
            : [];
        });
        const left = entries.filter(({ Id }) => !refused.some((one) => one['Id'] === Id));
        return merged(left.length === 0 ? null : await pass({ ...body, Entries: left }), refused);
      }
      if (operation === 'DeleteMessageBatch' && undeleted.size === 0) {
        const [first, ...left] = entries;
        undeleted.add(first?.['ReceiptHandle']);
        const refused = {
          Id: first?.['Id'],
          SenderFault: false,
          Code: 'InternalError',
          Message: 'not deleted',
        };
        return merged(left.length === 0 ? null : await pass({ ...body, Entries: left }), [refused]);
      }
      return null;
    });
    t.after(() => front.close());
    const ended = await mqctl(
      [
        'dlq',
        'redrive',
        dead,
        '--to',
        orders,
        '--all',
        '--no-canary',
        '--rate',
        'max',
        '--yes',
        '--lease',
        '2s',
        '-o',
        'json',
        '-c',
        contextAt(front.endpoint),
      ],
      { folder: place.folder },
    );
    const report = JSON.parse(ended.stdout.toString()) as Record<string, number>;
    assert.equal(ended.code, 6, ended.stderr);
    assert.equal(undeleted.size, 1);
    assert.deepEqual([report['selected'], report['failed']], [40, 1], ended.stdout.toString());
    const { selected, moved, failed, skipped, drifted, quarantined, inDoubt, remaining } = report;
    const sum = [moved, failed, skipped, drifted, quarantined, inDoubt, remaining].reduce<number>(
      (all, one) => all + (one ?? 0),
      0,
    );
    assert.equal(sum, selected);
    const texted = async (queue: string): Promise<string[]> =>
      (await place.done(['consume', queue, '--ack', '-o', 'value'])).stdout
        .toString()
        .trim()
        .split('\n')
        .sort();
    const arrived = await texted(orders);
    assert.deepEqual(
      [...new Set(arrived)],
      texts.filter((text) => text !== 'message-05'),
    );
    assert.equal(report['moved'], arrived.length, 'each once');
    assert.ok((await texted(dead)).includes('message-05'));
  },
);
