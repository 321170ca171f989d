import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conform } from '../../../src/lib/operations/conform.ts';
import { AvroSchema } from '../../../src/lib/schema/avro/schema.ts';
import { jsonEngine } from '../../../src/lib/schema/json/engine.ts';
import { message } from '../../contract/suite/messages.ts';

test('what is framed anew keeps no header that another frame told its schema by, and keeps all others', () => {
  const schema = new AvroSchema({ name: 'schema', text: '"long"', references: [] });
  const bytes = Uint8Array.of(1);
  const names = [
    'apicurio.value.globalId',
    'apicurio.value.contentId',
    '__value_schema_id',
    '__key_schema_id',
    'trace',
  ];
  const sent = message('7', { headers: names.map((name) => ({ name, value: bytes })) });
  const framing = { kind: 'confluent', key: { by: 'id', value: '5' } } as const;
  const conformed = conform(sent, [{ part: 'value', schema, framing }]);
  assert.ok('message' in conformed, JSON.stringify(conformed));
  assert.deepEqual(
    conformed.message.headers.map(({ name }) => name),
    ['__key_schema_id', 'trace'],
  );
  assert.deepEqual([...(conformed.message.value ?? [])], [0, 0, 0, 0, 5, 14]);
});

test('JSON that is framed already is refused where it would be framed again', () => {
  const schema = jsonEngine.parse({ name: 'schema', text: '{"type":"integer"}', references: [] });
  const framing = { kind: 'confluent', key: { by: 'id', value: '5' } } as const;
  const framed = { ...message(''), value: Uint8Array.of(0, 0, 0, 0, 9, 0x37) };
  assert.deepEqual(conform(framed, [{ part: 'value', schema, framing }]), {
    reason: 'value: it is framed already; what is to be framed has to be JSON alone',
  });
  assert.deepEqual(conform(framed, [{ part: 'value', schema, framing: null }]), { message: framed });
  const byHeader = message('7', {
    headers: [{ name: 'apicurio.value.globalId', value: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9) }],
  });
  const conformed = conform(byHeader, [{ part: 'value', schema, framing }]);
  assert.ok('message' in conformed, JSON.stringify(conformed));
  assert.deepEqual([...(conformed.message.value ?? [])], [0, 0, 0, 0, 5, 0x37]);
  assert.deepEqual(conformed.message.headers, []);
});
