/** Rules of the language that the parser does not hold: a file that breaks one is refused, as protoc refuses it. */
import { InvalidSchemaError } from '../errors.ts';
import type { Place } from '../finding.ts';
import { allEnums, allMessages, type EnumType, type MessageType, type ProtoFile } from './model.ts';

const maxFieldNumber = 536_870_911;
/** Kept for the implementation of Protocol Buffers. */
const firstKept = 19_000;
const lastKept = 19_999;

/** Throws `InvalidSchemaError` at the first element that is against the language. */
export function checkRules(name: string, file: ProtoFile): void {
  const refuse = (reason: string, place: Place | null): never => {
    throw new InvalidSchemaError(name, reason, place);
  };
  for (const message of allMessages(file.messages)) {
    checkFields(message, refuse);
    checkJsonNames(message, refuse);
  }
  for (const type of allEnums(file.enums, file.messages)) checkEnum(type, refuse);
}

type Refuse = (reason: string, place: Place | null) => never;

function checkFields(message: MessageType, refuse: Refuse): void {
  for (const field of message.fields.values()) {
    const { number } = field;
    if (number < 1 || number > maxFieldNumber)
      refuse(
        `field ${field.name} has number ${number.toString()}: numbers go from 1 to ${maxFieldNumber.toString()}`,
        field.place,
      );
    if (number >= firstKept && number <= lastKept)
      refuse(
        `field ${field.name} has number ${number.toString()}: 19000 to 19999 are kept for Protocol Buffers itself`,
        field.place,
      );
    if (field.oneof !== null && field.label !== 'singular')
      refuse(`field ${field.name} is ${field.label} inside of a oneof`, field.place);
  }
  for (const [oneof, place] of message.oneofs)
    if (![...message.fields.values()].some((field) => field.oneof === oneof))
      refuse(`oneof ${oneof} has no field`, place);
}

/** Two fields with one name in JSON cannot be told apart there. */
function checkJsonNames(message: MessageType, refuse: Refuse): void {
  const seen = new Map<string, string>();
  for (const field of message.fields.values()) {
    const other = seen.get(field.jsonName);
    if (other !== undefined)
      refuse(
        `fields ${other} and ${field.name} have the same name in JSON, "${field.jsonName}"`,
        field.place,
      );
    seen.set(field.jsonName, field.name);
  }
}

function checkEnum(type: EnumType, refuse: Refuse): void {
  const [first] = type.names;
  if (first === undefined) return refuse(`enum ${type.localName} has no value`, type.place);
  if (!type.closed && first[1] !== 0)
    refuse(
      `the first value of enum ${type.localName}, ${first[0]}, is ${first[1].toString()}: an open enum begins with 0`,
      type.places.get(first[0]) ?? type.place,
    );
}
