/**
 * What lies between the writer's file and the reader's: messages by name, fields by number. Every difference carries the
 * rules of the registries that reject it, and whether data may break.
 */
import type { Comparison, Dialect, Difference } from '../finding.ts';
import { apicurioRules } from './apicurio.ts';
import { confluentKind, sameScalarGroup } from './confluent-kinds.ts';
import { effectiveDefault, readsEveryField, sharesAnewWith } from './data-change.ts';
import { compareJsonForm } from './json-form.ts';
import { describeField, type FieldKind, type MessageField, type MessageType } from './model.ts';
import { lastName, messagePairs, type Pair } from './pairs.ts';
import { fieldSpot, lackingSpot, messageSpot, spot, type FoundDifference, type NamedFile } from './spots.ts';
import { isPackable } from './wire.ts';

/** What several rules find under one code at the same spots is one difference. Nothing is left unproved. */
export function compareFiles(reader: NamedFile, writer: NamedFile): Comparison {
  const found = [
    ...packageChange(reader, writer),
    ...removedMessages(
      reader,
      writer,
      { messages: reader.file.messages, place: null },
      writer.file.messages,
      '',
    ),
    ...messagePairs(reader.file, writer.file).flatMap((pair) =>
      new MessageComparison(reader, writer, pair).compare(),
    ),
    ...apicurioRules(reader, writer),
    ...compareJsonForm(reader, writer),
  ];
  return { differences: merge(found).map(toDifference), unproved: [] };
}

function packageChange(reader: NamedFile, writer: NamedFile): FoundDifference[] {
  const [now, before] = [reader.file.packageName, writer.file.packageName];
  if (now === before) return [];
  return [
    {
      code: 'PACKAGE_CHANGED',
      message: `the package is ${now || 'none'}, it was ${before || 'none'}`,
      reader: spot(reader, '', reader.file.packagePlace, now || null),
      writer: spot(writer, '', writer.file.packagePlace, before || null),
      confluent: 'PACKAGE_CHANGED',
      apicurio: null,
      data: 'compatible',
      suggestion: before === '' ? 'leave the package out' : `keep package ${before}`,
    },
  ];
}

function removedMessages(
  reader: NamedFile,
  writer: NamedFile,
  within: Pick<MessageType, 'messages' | 'place'>,
  writers: readonly MessageType[],
  pointer: string,
): FoundDifference[] {
  return writers.flatMap((written): FoundDifference[] => {
    const name = lastName(written.fullName);
    const read = within.messages.find((message) => lastName(message.fullName) === name);
    const at = `${pointer}/${name}`;
    if (read !== undefined) return removedMessages(reader, writer, read, written.messages, at);
    if (written.group) return [];
    return [
      {
        code: 'MESSAGE_REMOVED',
        message: `there is no message ${written.localName} any more`,
        reader: spot(reader, pointer, within.place, null),
        writer: messageSpot(writer, at, written),
        confluent: 'MESSAGE_REMOVED',
        apicurio: null,
        data: 'may-break',
        suggestion: `keep message ${written.localName}, and mark it deprecated`,
      },
    ];
  });
}

const noRule = { confluent: null, apicurio: null };

class MessageComparison {
  readonly #reader: NamedFile;
  readonly #writer: NamedFile;
  readonly #pair: Pair<MessageType>;

  constructor(reader: NamedFile, writer: NamedFile, pair: Pair<MessageType>) {
    this.#reader = reader;
    this.#writer = writer;
    this.#pair = pair;
  }

  compare(): FoundDifference[] {
    const { reader, writer } = this.#pair;
    return [
      ...[...writer.fields.values()].flatMap((written) => {
        const read = reader.fields.get(written.number);
        return read === undefined ? this.#removed(written) : this.#changed(read, written);
      }),
      ...[...reader.fields.values()]
        .filter((read) => read.label === 'required' && !writer.fields.has(read.number))
        .map((read) => this.#requiredAdded(read)),
      ...[...reader.oneofs.keys()].flatMap((oneof) => this.#joined(oneof)),
    ];
  }

  #removed(written: MessageField): FoundDifference[] {
    const common = {
      reader: lackingSpot(this.#reader, this.#pair.pointer, this.#pair.reader),
      writer: fieldSpot(this.#writer, this.#pair.pointer, written),
      apicurio: null,
      suggestion: `keep field ${written.number.toString()}, and mark it deprecated`,
    };
    if (written.label === 'required')
      return [
        {
          ...common,
          code: 'REQUIRED_FIELD_REMOVED',
          message: `the required field ${written.name} is gone`,
          confluent: 'REQUIRED_FIELD_REMOVED',
          data: 'compatible',
        },
      ];
    if (written.oneof === null || !this.#pair.reader.oneofs.has(written.oneof)) return [];
    return [
      {
        ...common,
        code: 'ONEOF_FIELD_REMOVED',
        message: `oneof ${written.oneof} has no ${written.name} any more: where it was set, nothing seems to be`,
        confluent: 'ONEOF_FIELD_REMOVED',
        data: 'may-break',
      },
    ];
  }

  #requiredAdded(read: MessageField): FoundDifference {
    return {
      code: 'REQUIRED_FIELD_ADDED',
      message: `${read.name} is required, and what was written before has none`,
      reader: fieldSpot(this.#reader, this.#pair.pointer, read),
      writer: lackingSpot(this.#writer, this.#pair.pointer, this.#pair.writer),
      confluent: 'REQUIRED_FIELD_ADDED',
      apicurio: this.#pair.imported ? null : 'REQUIRED_FIELD_ADDED',
      data: 'may-break',
      suggestion: `make ${read.name} optional`,
    };
  }

  #changed(read: MessageField, written: MessageField): FoundDifference[] {
    const sides = {
      reader: fieldSpot(this.#reader, this.#pair.pointer, read),
      writer: fieldSpot(this.#writer, this.#pair.pointer, written),
    };
    const rule = confluentRule(read, written);
    const same = readsEveryField(read, written);
    const found: FoundDifference[] = [];
    if (rule !== null || !same) {
      const madeRequired = read.label === 'required' && written.label !== 'required';
      found.push({
        code: rule ?? (madeRequired ? 'FIELD_MADE_REQUIRED' : 'FIELD_VALUES_CHANGED'),
        message: `${written.name} is read as "${describeField(read)}", it was written as "${describeField(written)}"`,
        ...sides,
        confluent: rule,
        apicurio: null,
        data: same ? 'compatible' : 'may-break',
        suggestion: `keep "${describeField(written)}", and add another field`,
      });
    }
    const [now, before] = [effectiveDefault(read), effectiveDefault(written)];
    if (rule === null && now !== null && before !== null && now !== before)
      found.push({
        code: 'FIELD_DEFAULT_CHANGED',
        message: `where ${read.name} is absent it is read as ${now}, it was ${before}`,
        ...sides,
        ...noRule,
        data: 'may-break',
        suggestion: 'keep the default: it is not on the wire',
      });
    return found;
  }

  /** Fields that could be set together and share a oneof now: the last one on the wire wins. */
  #joined(oneof: string): FoundDifference[] {
    const { reader, writer, pointer } = this.#pair;
    const known = [...reader.fields.values()]
      .filter((field) => field.oneof === oneof)
      .flatMap((field) => writer.fields.get(field.number) ?? []);
    const moved = known.filter((field) => field.oneof === null);
    const rule =
      moved.length > 1
        ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF'
        : moved.length === 1 && known.length > 1
          ? 'FIELD_MOVED_TO_EXISTING_ONEOF'
          : null;
    const loses = known.find((written) => {
      const read = reader.fields.get(written.number);
      return read !== undefined && sharesAnewWith(read, reader, writer).length > 0;
    });
    const named = moved[0] ?? loses;
    if (named === undefined || (rule === null && loses === undefined)) return [];
    const names = known.map((field) => field.name).join(', ');
    return [
      {
        code: rule ?? 'ONEOFS_JOINED',
        message: `${names} share oneof ${oneof} now: where several were set, only the last is read`,
        reader: spot(this.#reader, `${pointer}/${oneof}`, reader.oneofs.get(oneof) ?? null, `oneof ${oneof}`),
        writer: fieldSpot(this.#writer, pointer, named),
        confluent: rule,
        apicurio: null,
        data: loses === undefined ? 'compatible' : 'may-break',
        suggestion: `leave ${names} as they were`,
      },
    ];
  }
}

/** Fields of a message are compared where the message itself is; a list of numbers is no number. */
function confluentRule(read: MessageField, written: MessageField): string | null {
  const rule = kindRule(read.type, written.type);
  if (rule !== null) return rule;
  const oneIsList = (read.label === 'repeated') !== (written.label === 'repeated');
  return oneIsList && isPackable(read.type) ? 'FIELD_NUMERIC_LABEL_CHANGED' : null;
}

function kindRule(read: FieldKind, written: FieldKind): string | null {
  if (confluentKind(read) !== confluentKind(written)) return 'FIELD_KIND_CHANGED';
  if (read.kind === 'map' && written.kind === 'map')
    return (
      kindRule({ kind: 'scalar', scalar: read.key }, { kind: 'scalar', scalar: written.key }) ??
      kindRule(read.value, written.value)
    );
  if (read.kind === 'message' && written.kind === 'message')
    return read.of.localName === written.of.localName ? null : 'FIELD_NAMED_TYPE_CHANGED';
  return sameScalarGroup(read, written) ? null : 'FIELD_SCALAR_KIND_CHANGED';
}

/** The rules of both registries for one code and spot are one difference. */
function merge(found: readonly FoundDifference[]): FoundDifference[] {
  const bySpot = new Map<string, FoundDifference>();
  for (const difference of found) {
    const key = `${difference.code} ${difference.reader.pointer} ${difference.writer.pointer}`;
    const known = bySpot.get(key);
    if (known === undefined) bySpot.set(key, difference);
    else
      bySpot.set(key, {
        ...known,
        confluent: known.confluent ?? difference.confluent,
        apicurio: known.apicurio ?? difference.apicurio,
        data: known.data === 'compatible' ? difference.data : known.data,
      });
  }
  return [...bySpot.values()];
}

function toDifference({ confluent, apicurio, ...found }: FoundDifference): Difference {
  const rejectedBy: Partial<Record<Dialect, string>> = {};
  if (confluent !== null) rejectedBy.confluent = confluent;
  if (apicurio !== null) rejectedBy.apicurio = apicurio;
  return { ...found, rejectedBy };
}
