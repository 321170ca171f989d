/** A line of Java's JAAS configuration, as `sasl.jaas.config` holds it. */

export interface JaasLogin {
  readonly username: string | null;
  readonly password: string | null;
  /** Fields of our `sasl` for the mechanism. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names of options that mean nothing here. */
  readonly notUnderstood: readonly string[];
}

/** Options of login modules that are fields of a mechanism, by our names. */
const fieldNames: ReadonlyMap<string, string> = new Map([
  ['clientId', 'clientId'],
  ['clientSecret', 'clientSecret'],
  ['scope', 'scope'],
  ['awsProfileName', 'profile'],
  ['awsRoleArn', 'roleArn'],
  ['awsStsRegion', 'region'],
]);

/** `org.…PlainLoginModule required username="me" password="…";` Quotes may be left out; a backslash escapes. */
export function readJaas(text: string): JaasLogin {
  let username: string | null = null;
  let password: string | null = null;
  const fields: Record<string, string> = {};
  const notUnderstood: string[] = [];
  for (const [, name = '', quoted, single, bare] of text.matchAll(
    /([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;]+))/g,
  )) {
    const value = (quoted ?? single ?? bare ?? '').replace(/\\(.)/g, '$1');
    const field = fieldNames.get(name);
    if (name === 'username') username = value;
    else if (name === 'password') password = value;
    else if (field !== undefined) fields[field] = value;
    else notUnderstood.push(`sasl.jaas.config ${name}`);
  }
  return { username, password, fields, notUnderstood };
}
