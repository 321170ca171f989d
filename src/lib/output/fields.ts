import stringWidth from 'string-width';
import type { Output } from './output.ts';
import { visible } from './sanitise.ts';

export type Field = readonly [name: string, value: string | null];

/** Names and values under each other; null values are left out. */
export async function printFields(output: Output, fields: readonly Field[]): Promise<void> {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== null);
  const width = Math.max(0, ...shown.map(([name]) => stringWidth(name)));
  for (const [name, value] of shown) {
    await output.print(
      `${output.colour.bold(name)}${' '.repeat(width - stringWidth(name) + 2)}${visible(value)}`,
    );
  }
}

/** A heading above a table or a list, with a line before it. */
export async function printHeading(output: Output, text: string): Promise<void> {
  await output.print(`\n${output.colour.bold(visible(text))}`);
}

/** One document in YAML: the library is loaded only here. */
export async function printYaml(output: Output, document: unknown): Promise<void> {
  const { stringify } = await import('yaml');
  await output.print(output.data.isTerminal ? visibleYaml(stringify(document)) : stringify(document));
}

function visibleYaml(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
