/**
 * Writes the man pages from the commands' own declarations: the same source as the help. `--check` writes nothing and
 * fails when a page is not up to date.
 */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { Config } from '@oclif/core/config';
import type { Command } from '@oclif/core';
import { exitCodes } from '../src/lib/errors.ts';
import { sourceOptions } from './source-options.ts';

const folder = new URL('../man/', import.meta.url);
/** Of the text, not of the build: a page that did not change stays the same file. */
const manualDate = '2026-11-21';

const environment: readonly (readonly [string, string])[] = [
  ['MQCTL_CONTEXT', 'The context to use where no --context is given: a name or a URL.'],
  ['MQCTL_CONFIG', 'The file with the contexts, in place of the one under XDG_CONFIG_HOME.'],
  ['XDG_CONFIG_HOME', 'Where the contexts are kept.'],
  ['XDG_STATE_HOME', 'Where journals, plans and the embedded broker are kept.'],
  ['XDG_CACHE_HOME', 'Where what can be fetched again is kept.'],
  ['NO_COLOR', 'Set to anything: no colour.'],
  ['FORCE_COLOR', '0 to 3: colour whatever the terminal is.'],
];

const files: readonly (readonly [string, string])[] = [
  ['~/.config/mqctl/config.yaml', 'Contexts.'],
  [
    '.mqctl.yaml',
    "A project's contexts, found upwards to the repository's root; data until mqctl context trust.",
  ],
  [
    '~/.local/state/mqctl/',
    'Journals and plans of redrives, the embedded broker, what is trusted. Mode 0600.',
  ],
];

const config = await Config.load(sourceOptions());
const commands = config.commands
  .filter(({ hidden, id, aliases }) => hidden !== true && !aliases.includes(id))
  .sort((one, other) => (one.id < other.id ? -1 : 1));
const pages = new Map<string, string>([['mqctl.1', overviewPage()]]);
for (const command of commands) pages.set(`mqctl-${command.id.replaceAll(':', '-')}.1`, commandPage(command));

if (process.argv.includes('--check')) await check();
else await write();

async function write(): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (!pages.has(name)) await rm(new URL(name, folder));
  for (const [name, text] of pages) await writeFile(new URL(name, folder), text);
  console.log(`${pages.size.toString()} man pages written`);
}

async function check(): Promise<void> {
  const there = new Set(await readdir(folder).catch(() => []));
  const stale: string[] = [];
  for (const [name, text] of pages) {
    if (!there.delete(name) || (await readFile(new URL(name, folder), 'utf8')) !== text) stale.push(name);
  }
  stale.push(...there);
  if (stale.length > 0) {
    console.error(`not up to date: ${stale.join(', ')}; run: npm run man`);
    process.exitCode = 1;
  } else console.log(`${pages.size.toString()} man pages are up to date`);
}

function overviewPage(): string {
  return page('mqctl', 'operate and inspect messaging systems', [
    section('SYNOPSIS', ['.B mqctl', '.I command', '[options]']),
    section('DESCRIPTION', [
      roff('The same verbs for every messaging system: produce, consume, lag, offsets, dead letters.'),
      '.PP',
      roff(
        'A look changes nothing and says what it costs; what changes something shows it first. Any URL works as --context: local:FILE, kafka://host:9092, amqp://user@host:5672/vhost.',
      ),
    ]),
    section(
      'COMMANDS',
      commands.flatMap(({ id, summary }) =>
        definition(`.BR mqctl-${roff(id.replaceAll(':', '-'))} (1)`, summary ?? ''),
      ),
    ),
    ...commonSections(),
  ]);
}

function commandPage(command: Command.Loadable): string {
  const words = `mqctl ${command.id.replaceAll(':', ' ')}`;
  const args = Object.values(command.args);
  const flags = Object.values(command.flags).filter(({ hidden }) => hidden !== true);
  const synopsis = args.map(
    ({ name, required }) =>
      `${required === true ? '' : '['}\\fI${roff(name.toUpperCase())}\\fR${command.strict === false ? '...' : ''}${required === true ? '' : ']'}`,
  );
  return page(words.replaceAll(' ', '-'), command.summary ?? '', [
    section('SYNOPSIS', [`.B ${roff(words)}`, ...synopsis, '[options]']),
    ...(command.description === undefined ? [] : [section('DESCRIPTION', paragraphs(command.description))]),
    ...(args.length === 0
      ? []
      : [
          section(
            'ARGUMENTS',
            args.flatMap(({ name, description }) =>
              definition(`.I ${roff(name.toUpperCase())}`, description ?? ''),
            ),
          ),
        ]),
    section(
      'OPTIONS',
      flags.flatMap((flag) => definition(flagHead(flag), flagText(flag))),
    ),
    section('EXAMPLES', examples(command)),
    ...commonSections(),
  ]);
}

function page(name: string, summary: string, sections: readonly string[]): string {
  const { version } = config;
  return [
    `.TH ${roff(name.toUpperCase())} 1 "${manualDate}" "mqctl ${roff(version)}" "mqctl manual"`,
    section('NAME', [`${roff(name)} \\- ${roff(lowerFirst(summary))}`]),
    ...sections,
    '',
  ].join('\n');
}

function commonSections(): string[] {
  return [
    section(
      'EXIT STATUS',
      Object.values(exitCodes).flatMap(({ code, meaning }) => definition(`.B ${code.toString()}`, meaning)),
    ),
    section(
      'ENVIRONMENT',
      environment.flatMap(([name, text]) => definition(`.B ${roff(name)}`, text)),
    ),
    section(
      'FILES',
      files.flatMap(([name, text]) => definition(`.I ${roff(name)}`, text)),
    ),
    section('SEE ALSO', ['.BR mqctl (1)']),
  ];
}

function section(title: string, lines: readonly string[]): string {
  return [`.SH ${title}`, ...lines].join('\n');
}

function definition(head: string, text: string): string[] {
  return ['.TP', head, roff(text)];
}

function flagHead(flag: Command.Flag.Any): string {
  const value =
    flag.type === 'option'
      ? `=\\fI${roff(flag.helpValue === undefined ? 'VALUE' : String(flag.helpValue))}\\fR`
      : '';
  return `${flag.char === undefined ? '' : `\\fB\\-${roff(flag.char)}\\fR, `}\\fB\\-\\-${roff(flag.name)}\\fR${value}`;
}

function flagText(flag: Command.Flag.Any): string {
  const text = flag.summary ?? flag.description ?? '';
  const options =
    flag.type === 'option' && flag.options !== undefined ? ` One of: ${flag.options.join(', ')}.` : '';
  const repeatable =
    flag.type === 'option' && flag.multiple === true && !text.includes('repeatable') ? ' Repeatable.' : '';
  return `${text}.${options}${repeatable}`;
}

function examples(command: Command.Loadable): string[] {
  const list = Array.isArray(command.examples) ? command.examples : [];
  return list.flatMap((example, at) => {
    const { description, command: line } =
      typeof example === 'string' ? { description: '', command: example } : example;
    return [
      ...(at === 0 ? [] : ['.PP']),
      roff(`${description ?? ''}:`),
      '.PP',
      '.nf',
      '.RS',
      roff(line.replaceAll('<%= config.bin %>', 'mqctl')),
      '.RE',
      '.fi',
    ];
  });
}

function paragraphs(text: string): string[] {
  return text
    .split(/\n{2,}/)
    .flatMap((paragraph, at) => [
      ...(at === 0 ? [] : ['.PP']),
      roff(paragraph.replaceAll('\n', ' ').replaceAll('<%= config.bin %>', 'mqctl')),
    ]);
}

/** Escapes text: backslashes, hyphens that are typed, and a leading control character. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.');
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
