/**
 * Reading the management API's answers, which are untrusted: a field that is missing or of another type is null, never
 * an error, since the fields differ from version to version and from queue type to queue type.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RabbitMQ writes an empty object as `[]` at times: that is an empty object here. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** What is no object is left out; anything but an array is empty. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** null for anything but a text. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** null for anything but a finite number. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** What is no text is left out; anything but an array is empty. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Names and values as text, for people: nested values as JSON. */
export function settingsOf(value: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      typeof item === 'string' ? item : JSON.stringify(item),
    ]),
  );
}
