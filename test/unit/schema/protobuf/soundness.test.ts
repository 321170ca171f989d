import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';

import { protobufEngine } from '../../../../src/lib/schema/protobuf/engine.ts';
import { scalarNames, type MessageType } from '../../../../src/lib/schema/protobuf/model.ts';
import { Random } from '../../../../src/lib/schema/random.ts';
import { readBack } from '../../../../src/lib/schema/protobuf/read-back.ts';
import { readProto } from '../../../../src/lib/schema/protobuf/read-proto.ts';
import { messageSamples, randomMessage } from '../../../../src/lib/schema/protobuf/samples.ts';
import { findWitness } from '../../../../src/lib/schema/protobuf/witness.ts';

/** Messages of up to five fields with the same few numbers, so that two of them have much to do with each other. */
const types = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<string>(...scalarNames) },
  { weight: 3, arbitrary: fc.constantFrom('Color', 'Inner', 'M', 'map<string, int32>', 'map<int32, Inner>') },
);
const labels = fc.constantFrom('', '', 'optional', 'repeated');
const fields = fc.uniqueArray(
  fc.record({ number: fc.integer({ min: 1, max: 5 }), type: types, label: labels, inOneof: fc.boolean() }),
  {
    selector: ({ number }) => number,
    maxLength: 5,
  },
);

function fileOf(
  list: readonly { number: number; type: string; label: string; inOneof: boolean }[],
  inner: string,
): string {
  const lines = list.map(({ number, type, label, inOneof }) => {
    const single = type.startsWith('map') || inOneof ? '' : `${label} `;
    return {
      text: `  ${single}${type} f${number.toString()} = ${number.toString()};`,
      inOneof: inOneof && !type.startsWith('map'),
    };
  });
  const together = lines.filter(({ inOneof }) => inOneof).map(({ text }) => text);
  return [
    'syntax = "proto3"; package p;',
    'enum Color { NONE = 0; RED = 1; BLUE = 2; }',
    `message Inner { ${inner} a = 1; string b = 2; }`,
    'message M {',
    ...lines.filter(({ inOneof }) => !inOneof).map(({ text }) => text),
    ...(together.length === 0 ? [] : ['  oneof one {', ...together, '  }']),
    '}',
  ].join('\n');
}

/** A reader is a writer in which some fields were changed, dropped or added. */
const changes = fc.array(
  fc.option(fc.record({ type: types, label: labels, inOneof: fc.boolean() }), { freq: 3 }),
  {
    minLength: 5,
    maxLength: 5,
  },
);
const pairs = fc
  .record({
    writer: fields,
    changes,
    kept: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    added: fc.option(fields),
    inner: fc.constantFrom<string>(...scalarNames),
    otherInner: fc.option(fc.constantFrom<string>(...scalarNames), { freq: 2 }),
    seed: fc.integer(),
  })
  .map(({ writer, changes: changed, kept, added, inner, otherInner, seed }) => ({
    writer,
    reader: [
      ...writer.flatMap((field, index) =>
        kept[index] === true ? [field] : [{ ...field, ...(changed[index] ?? {}) }],
      ),
      ...(added ?? []).filter(({ number }) => writer.every((field) => field.number !== number)),
    ],
    writerInner: inner,
    readerInner: otherInner ?? inner,
    seed,
  }));
function messageM(text: string, name: string): MessageType {
  const message = readProto({ name, text, references: [] }).messages.find(
    ({ localName }) => localName === 'M',
  );
  if (message === undefined) throw new Error('no M');
  return message;
}

test('an empty text is read as empty bytes: what is not on the wire is no list that lacks its value', () => {
  const file = (type: string) => `syntax = "proto3"; message M { ${type} a = 1; }`;
  const [text, bytes] = [messageM(file('string'), 'text.proto'), messageM(file('bytes'), 'bytes.proto')];
  for (const value of [{ a: '' }, {}]) {
    assert.equal(readBack(bytes, text, value), null);
    assert.equal(readBack(text, bytes, value), null);
  }
});

test('where no difference may break data, no value is read otherwise than it was written', () => {
  let compatible = 0;
  fc.assert(
    fc.property(pairs, ({ reader, writer, readerInner, writerInner, seed }) => {
      const [readerText, writerText] = [fileOf(reader, readerInner), fileOf(writer, writerInner)];
      const { differences } = protobufEngine.compare(
        protobufEngine.parse({ name: 'reader.proto', text: readerText, references: [] }),
        protobufEngine.parse({ name: 'writer.proto', text: writerText, references: [] }),
      );
      if (differences.some(({ data }) => data === 'may-break')) return;
      compatible += 1;
      const [read, written] = [messageM(readerText, 'reader.proto'), messageM(writerText, 'writer.proto')];
      const random = new Random(seed);
      for (const value of [
        ...messageSamples(written).take(60),
        ...Array.from({ length: 20 }, () => randomMessage(written, random)),
      ])
        assert.equal(
          readBack(read, written, value),
          null,
          `${writerText}\n${readerText}\n${JSON.stringify(value)}`,
        );
    }),
    { numRuns: 400, seed: 7 },
  );
  assert.ok(compatible > 60, `${compatible.toString()} pairs were compatible`);
});

test('a witness breaks again when it is run again, and the same seed finds the same one', () => {
  let found = 0;
  fc.assert(
    fc.property(pairs, ({ reader, writer, readerInner, writerInner, seed }) => {
      const texts = { reader: fileOf(reader, readerInner), writer: fileOf(writer, writerInner) };
      const [readerFile, writerFile] = [
        readProto({ name: 'reader.proto', text: texts.reader, references: [] }),
        readProto({ name: 'writer.proto', text: texts.writer, references: [] }),
      ];
      const { differences } = protobufEngine.compare(
        protobufEngine.parse({ name: 'reader.proto', text: texts.reader, references: [] }),
        protobufEngine.parse({ name: 'writer.proto', text: texts.writer, references: [] }),
      );
      const difference = differences.find(({ data }) => data === 'may-break');
      if (difference === undefined) return;
      const search = { seed, timeMs: 5_000 };
      const witness = findWitness(readerFile, writerFile, difference, search);
      if (witness === null) return;
      found += 1;
      assert.deepEqual(findWitness(readerFile, writerFile, difference, search), witness);
      const name = witness.detail.slice(0, witness.detail.indexOf(':'));
      const [read, written] = [readerFile, writerFile].map(({ messages }) =>
        messages.find(({ localName }) => localName === name),
      );
      assert.ok(read !== undefined && written !== undefined);
      assert.notEqual(readBack(read, written, witness.written), null);
    }),
    { numRuns: 150, seed: 11 },
  );
  assert.ok(found > 50, `${found.toString()} witnesses`);
});
