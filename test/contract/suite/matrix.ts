/** The matrix of systems and cases, as a page of the documentation: from what is declared, the same on every machine. */
import { columnsOf, type Column } from './column.ts';
import { whyNotApplicable } from './contract-case.ts';
import { everySection } from './every-case.ts';
import type { SystemUnderTest } from './system-under-test.ts';

const introduction = `# What each system does

Made by \`npm run matrix\` from what the drivers declare and the cases of the contract suite (\`test/contract/suite\`); do
not edit. **✓**: \`npm test\` proves it on the real system, or
on an emulator where the heading says so, of a service that runs nowhere else. **–**: the system, or this kind of channel, has not got what
the case is about; the reasons are below each table.
`;

/** Markdown. */
export function matrixPage(systems: readonly SystemUnderTest[]): string {
  const columns = systems.flatMap(columnsOf);
  const tables = everySection.map(({ title, cases }) => {
    const rows = cases.map((one) => ({
      name: one.name,
      reasons: columns.map((column) => whyNotApplicable(one, column)),
    }));
    const notes = new Set(
      rows.flatMap(({ reasons }) =>
        reasons.flatMap((reason, index) => (reason === null ? [] : [`${columns[index]?.name}: ${reason}`])),
      ),
    );
    return [
      `\n## ${title[0]?.toUpperCase()}${title.slice(1)}\n`,
      row(['', ...columns.map(heading)]),
      row(['---', ...columns.map(() => ':-:')]),
      ...rows.map(({ name, reasons }) =>
        row([name, ...reasons.map((reason) => (reason === null ? '✓' : '–'))]),
      ),
      ...(notes.size === 0 ? [] : ['', ...[...notes].sort().map((note) => `- ${note}`)]),
    ].join('\n');
  });
  return `${introduction}${tables.join('\n')}\n`;
}

function heading({ name, system: { emulator } }: Column): string {
  return emulator === undefined ? name : `${name} (${emulator})`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
