/** The two spots of a difference, from the elements of the files. */
import type { Difference, Place, Spot } from '../finding.ts';
import { describeField, type MessageField, type MessageType, type ProtoFile } from './model.ts';

/** One side of a comparison: the file, and what it is called. */
export interface NamedFile {
  readonly name: string;
  readonly file: ProtoFile;
}

/** A difference before it is known which registries reject it. */
export interface FoundDifference extends Omit<Difference, 'rejectedBy'> {
  /** The rule by which each registry rejects it; null where it accepts it. */
  readonly confluent: string | null;
  readonly apicurio: string | null;
}

/** `pointer` has the names on the way: `/Order/total`. No place: it is not known; no value: nothing stands there. */
export function spot(side: NamedFile, pointer: string, place: Place | null, value: string | null): Spot {
  return { schema: side.name, pointer, place, value };
}

/** `pointer` leads to the message. */
export function messageSpot(side: NamedFile, pointer: string, message: MessageType): Spot {
  return spot(side, pointer, message.place, `message ${message.localName}`);
}

/** Where something is missing from a message: what lacks it. */
export function lackingSpot(side: NamedFile, pointer: string, message: MessageType | null): Spot {
  return spot(side, pointer, message?.place ?? null, null);
}

/** `pointer` leads to the message. */
export function fieldSpot(side: NamedFile, pointer: string, field: MessageField): Spot {
  return spot(side, fieldPointer(pointer, field), field.place, describeField(field));
}

function fieldPointer(pointer: string, field: MessageField): string {
  return `${pointer}/${field.name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
