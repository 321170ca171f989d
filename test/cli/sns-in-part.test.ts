/** What SNS takes in part, from a small double of its HTTP API: the emulator takes all or nothing. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';

const TopicArn = 'arn:aws:sns:us-east-1:000000000000:orders';

const answer = (operation: string, result: string): string =>
  `<${operation}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><${operation}Result>${result}</${operation}Result></${operation}Response>`;

interface Entry {
  readonly id: string;
  readonly message: string;
}

function entriesOf(form: URLSearchParams): readonly Entry[] {
  const entries: Entry[] = [];
  for (let at = 1; ; at += 1) {
    const member = `PublishBatchRequestEntries.member.${String(at)}`;
    const id = form.get(`${member}.Id`);
    if (id === null) return entries;
    entries.push({ id, message: form.get(`${member}.Message`) ?? '' });
  }
}

/** Refuses `bad` for good, breaks on `broken` after it took the request, and takes the rest. */
async function double(t: TestContext): Promise<{ readonly context: string; readonly taken: string[] }> {
  const taken: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const operation = form.get('Action') ?? '';
      const entries = entriesOf(form);
      const refused = entries.filter(({ message }) => message === 'bad');
      const accepted = entries.filter(({ message }) => message !== 'bad');
      taken.push(...accepted.map(({ message }) => message));
      if (entries.some(({ message }) => message === 'broken')) {
        request.socket.destroy();
        return;
      }
      const member = (inner: string): string => `<member>${inner}</member>`;
      const results: Readonly<Record<string, string>> = {
        ListTopics: `<Topics>${member(`<TopicArn>${TopicArn}</TopicArn>`)}</Topics>`,
        GetTopicAttributes: `<Attributes><entry><key>TopicArn</key><value>${TopicArn}</value></entry></Attributes>`,
        PublishBatch: `<Successful>${accepted
          .map(({ id }) => member(`<Id>${id}</Id><MessageId>m-${id}</MessageId>`))
          .join('')}</Successful><Failed>${refused
          .map(({ id }) =>
            member(
              `<Id>${id}</Id><Code>InvalidParameter</Code><Message>it is refused</Message><SenderFault>true</SenderFault>`,
            ),
          )
          .join('')}</Failed>`,
      };
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.end(answer(operation, results[operation] ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { context: `sns://k:s@us-east-1?endpoint=http://127.0.0.1:${String(address.port)}`, taken };
}

test('of a batch that SNS took in part, each line has its own outcome, and the rest goes on', async (t) => {
  await using folder = await scratchFolder();
  const { context, taken } = await double(t);
  const lines = Array.from({ length: 12 }, (_, at) =>
    at === 4 || at === 10 ? 'bad' : `line ${String(at + 1)}`,
  );
  const { code, stderr } = await mqctl(['produce', 'orders', '-c', context], {
    folder: folder.path,
    input: `${lines.join('\n')}\n`,
  });
  assert.equal(code, 6, stderr);
  for (const line of [5, 11])
    assert.match(stderr, new RegExp(`line ${String(line)}: not accepted: it is refused`));
  assert.match(stderr, /produced 10 to "orders"/);
  assert.deepEqual(
    taken,
    lines.filter((line) => line !== 'bad'),
  );
});

test('a batch whose answer never came is called unknown, and sent once', async (t) => {
  await using folder = await scratchFolder();
  const { context, taken } = await double(t);
  const { code, stderr } = await mqctl(['produce', 'orders', '-c', context], {
    folder: folder.path,
    input: 'one\nbroken\n',
  });
  assert.notEqual(code, 0);
  assert.match(stderr, /of 2 nobody knows whether they are there/);
  assert.deepEqual(taken, ['one', 'broken']);
});
