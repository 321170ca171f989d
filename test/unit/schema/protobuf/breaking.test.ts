import assert from 'node:assert/strict';
import test from 'node:test';

import { compareFiles } from '../../../../src/lib/schema/protobuf/compare.ts';
import { readBack } from '../../../../src/lib/schema/protobuf/read-back.ts';
import { allMessages } from '../../../../src/lib/schema/protobuf/model.ts';
import { findWitness } from '../../../../src/lib/schema/protobuf/witness.ts';
import {
  bufAnnotations,
  bufDeviations,
  bufModule,
  type BufAnnotation,
} from '../../../corpora/protobuf-pairs.ts';
import { assertCounts } from '../../../corpora/counts.ts';

/** Both directions: buf calls broken what breaks in one of them. */
function* comparisons() {
  for (const directory of new Set(bufAnnotations().map(({ directory: name }) => name))) {
    const [previous, current] = [bufModule('previous', directory), bufModule('current', directory)];
    yield { directory, reader: current, writer: previous, current: 'reader' as const };
    yield { directory, reader: previous, writer: current, current: 'writer' as const };
  }
}

function keyOf({ directory, rule, file, line }: BufAnnotation): string {
  return `${directory} ${rule} ${file}:${line.toString()}`;
}

test('what buf finds on the wire or in JSON is found at the same line; what is not is listed with its reason', (t) => {
  const found = new Set<string>();
  for (const { directory, reader, writer, current } of comparisons())
    for (const difference of compareFiles(reader, writer).differences) {
      const { place } = difference[current];
      if (place !== null) found.add(`${directory} ${place.file}:${place.line.toString()}`);
    }
  const annotations = bufAnnotations();
  const missed = annotations.filter(
    ({ directory, file, line }) => !found.has(`${directory} ${file}:${line.toString()}`),
  );
  const listed = bufDeviations();
  assert.deepEqual(
    missed.map(keyOf).filter((key) => !listed.some((deviation) => keyOf(deviation) === key)),
    [],
    'found by buf, not by us, and not listed',
  );
  assert.deepEqual(
    listed.map(keyOf).filter((key) => !missed.some((annotation) => keyOf(annotation) === key)),
    [],
    'listed as a deviation, and none any more: take it off the list',
  );
  assert.ok(listed.every(({ reason }) => reason.length > 20));
  assertCounts(t, "Protobuf, buf's breaking changes", {
    cases: annotations.length,
    deviating: missed.length,
    witnesses: null,
  });
});

test('at least 95 of 100 differences that may break data have a witness, and every one breaks when it is run again', (t) => {
  let [searched, witnesses] = [0, 0];
  for (const { reader, writer } of comparisons())
    for (const difference of compareFiles(reader, writer).differences) {
      if (difference.data !== 'may-break') continue;
      searched += 1;
      const witness = findWitness(reader.file, writer.file, difference, { seed: 1, timeMs: 2_000 });
      if (witness === null) continue;
      witnesses += 1;
      if (difference.code === 'MESSAGE_REMOVED') continue;
      const name = witness.detail.slice(0, witness.detail.indexOf(':'));
      const again = allMessages(writer.file.messages)
        .filter(({ localName }) => localName === name)
        .flatMap((written) =>
          allMessages(reader.file.messages)
            .filter(({ localName }) => localName === name)
            .map((read) => readBack(read, written, witness.written)),
        );
      assert.ok(
        again.some((result) => result !== null),
        `${difference.message}: ${JSON.stringify(witness.written)}`,
      );
    }
  assertCounts(t, 'Protobuf, differences of those pairs', {
    cases: searched,
    deviating: 0,
    witnesses: { found: witnesses, of: searched, least: 0.95 },
  });
});
