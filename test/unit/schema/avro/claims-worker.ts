/** Decodes lists within lists, each of which claims nearly as many items as the payload has bytes; tells why it was refused. */
import { parentPort } from 'node:worker_threads';
import { AvroSchema } from '../../../../src/lib/schema/avro/schema.ts';
import { PayloadError } from '../../../../src/lib/schema/errors.ts';

const node = { type: 'record', name: 'N', fields: [{ name: 'c', type: { type: 'array', items: 'N' } }] };
const size = 400_000;
// The varint of 390,000, zigzag: each list claims so many.
const claim = Buffer.from([0xe0, 0xcd, 0x2f]);
const payload = Buffer.concat([...Array.from({ length: 300 }, () => claim), Buffer.alloc(size)]);
try {
  new AvroSchema({ name: 'schema', text: JSON.stringify(node), references: [] }).decode(payload);
  parentPort?.postMessage('decoded');
} catch (error) {
  parentPort?.postMessage(error instanceof PayloadError ? error.reason : String(error));
}
