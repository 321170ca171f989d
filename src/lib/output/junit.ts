/** The JUnit report that continuous integration reads (github.com/testmoapp/junitxml). */
export interface JunitCase {
  readonly group: string;
  readonly name: string;
  /** `skipped` is neither passed nor failed. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly text: string;
}

/** The whole document; what XML cannot hold of a text is escaped, or U+FFFD in its place. */
export function junitReport(suite: string, cases: readonly JunitCase[]): string {
  const count = (outcome: JunitCase['outcome']): string =>
    cases.filter((each) => each.outcome === outcome).length.toString();
  const head = `name="${escaped(suite)}" tests="${cases.length.toString()}" failures="${count('failed')}" skipped="${count('skipped')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${head}>`,
    `<testsuite ${head}>`,
    ...cases.map(caseLine),
    '</testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseLine({ group, name, outcome, text }: JunitCase): string {
  const words = escaped(text);
  const inner =
    outcome === 'failed'
      ? `<failure message="${words}"/>`
      : outcome === 'skipped'
        ? `<skipped message="${words}"/>`
        : `<system-out>${words}</system-out>`;
  return `<testcase classname="${escaped(group)}" name="${escaped(name)}">${inner}</testcase>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // An attribute's own line breaks are read as blanks.
  '\n': '&#10;',
};

/** Characters that XML 1.0 cannot hold become a replacement character. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"\n]/g, (character) => entities[character] ?? character)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
