/** What could come next on a command line that is still being typed: pure, over the commands' own data. */

export interface CompletableFlag {
  readonly name: string;
  readonly char?: string | undefined;
  readonly summary?: string | undefined;
  readonly description?: string | undefined;
  readonly type: 'boolean' | 'option';
  readonly options?: readonly string[] | undefined;
  readonly multiple?: boolean | undefined;
  readonly hidden?: boolean | undefined;
}

export interface CompletableCommand {
  /** `groups:ls`. */
  readonly id: string;
  readonly summary?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly aliases: readonly string[];
  readonly strict?: boolean | undefined;
  readonly flags: Readonly<Record<string, CompletableFlag>>;
  readonly args: Readonly<
    Record<string, { readonly name: string; readonly options?: readonly string[] | undefined }>
  >;
}

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Names that only a running system or the contexts' file know. */
export type DynamicKind = 'channel' | 'group' | 'context' | 'job';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** What has to be asked for as well; null: nothing. */
  readonly dynamic: DynamicKind | null;
  /** What `-c` said so far; null: the current context. */
  readonly context: string | null;
}

const dynamicFlags: Readonly<Record<string, DynamicKind>> = {
  context: 'context',
  group: 'group',
  channel: 'channel',
  to: 'channel',
  'dead-letter': 'channel',
  resume: 'job',
};
const dynamicArguments: Readonly<Record<string, DynamicKind>> = {
  channel: 'channel',
  group: 'group',
  context: 'context',
  job: 'job',
};

/** A new context has a name that nobody knows yet. */
function dynamicArgument(command: string, argument: string): DynamicKind | null {
  if (command.startsWith('context:') && argument === 'name')
    return command === 'context:add' ? null : 'context';
  return dynamicArguments[argument] ?? null;
}

/** `words` are those after `mqctl` up to the cursor, the last one the word under it (maybe empty). */
export function complete(commands: readonly CompletableCommand[], words: readonly string[]): Completion {
  const typed = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const found = findCommand(commands, typed);
  if (found === null) {
    return {
      candidates: startingWith(nextCommandWords(commands, plainWords(typed)), current),
      dynamic: null,
      context: null,
    };
  }
  const { command, used } = found;
  const context = valueOfContext(typed);
  const pending = flagWaitingForValue(command, typed.at(-1));
  if (pending !== null) {
    const values = (pending.options ?? []).map((value) => ({ value, description: '' }));
    return {
      candidates: startingWith(values, current),
      dynamic: dynamicFlags[pending.name] ?? null,
      context,
    };
  }
  if (current.startsWith('-'))
    return { candidates: startingWith(flagCandidates(command, typed), current), dynamic: null, context };
  const position = positionals(command, typed).length - used;
  const args = Object.values(command.args);
  const argument = args[position] ?? (command.strict === false ? args.at(-1) : undefined);
  if (argument === undefined) return { candidates: [], dynamic: null, context };
  const values = (argument.options ?? []).map((value) => ({ value, description: '' }));
  return {
    candidates: startingWith(values, current),
    dynamic: dynamicArgument(command.id, argument.name),
    context,
  };
}

function startingWith(candidates: readonly Candidate[], start: string): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(start));
}

function plainWords(words: readonly string[]): string[] {
  return words.filter((word) => !word.startsWith('-'));
}

/** The command with the longest name at the beginning of the line. */
function findCommand(
  commands: readonly CompletableCommand[],
  words: readonly string[],
): { command: CompletableCommand; used: number } | null {
  const plain = plainWords(words);
  for (let used = Math.min(plain.length, 3); used > 0; used -= 1) {
    const id = plain.slice(0, used).join(':');
    const command = commands.find((candidate) => candidate.id === id || candidate.aliases.includes(id));
    if (command !== undefined) return { command, used };
  }
  return null;
}

function nextCommandWords(commands: readonly CompletableCommand[], before: readonly string[]): Candidate[] {
  const next = new Map<string, string>();
  for (const { id, summary, hidden, aliases } of commands) {
    if (aliases.includes(id)) continue; // the framework lists an alias as a command of its own
    const parts = id.split(':');
    const word = parts[before.length];
    if (hidden === true || word === undefined || before.some((part, at) => parts[at] !== part)) continue;
    const isWhole = parts.length === before.length + 1;
    if (isWhole || !next.has(word)) next.set(word, isWhole ? (summary ?? '') : `${word} …`);
  }
  return [...next].map(([value, description]) => ({ value, description }));
}

function flagWaitingForValue(command: CompletableCommand, last: string | undefined): CompletableFlag | null {
  if (last === undefined || !last.startsWith('-') || last.includes('=')) return null;
  const flag = Object.values(command.flags).find(
    ({ name, char }) => last === `--${name}` || (char !== undefined && last === `-${char}`),
  );
  return flag?.type === 'option' ? flag : null;
}

function flagCandidates(command: CompletableCommand, typed: readonly string[]): Candidate[] {
  return Object.values(command.flags)
    .filter(
      ({ hidden, name, multiple }) => hidden !== true && (multiple === true || !typed.includes(`--${name}`)),
    )
    .map(({ name, summary, description }) => ({
      value: `--${name}`,
      description: summary ?? description ?? '',
    }));
}

/** Words that are neither a flag nor the value of one. */
function positionals(command: CompletableCommand, words: readonly string[]): string[] {
  return words.filter(
    (word, at) => !word.startsWith('-') && flagWaitingForValue(command, words[at - 1]) === null,
  );
}

function valueOfContext(words: readonly string[]): string | null {
  for (const [at, word] of words.entries()) {
    if (word === '-c' || word === '--context') return words[at + 1] ?? null;
    const joined = /^(?:--context=|-c=?)(.+)$/.exec(word)?.[1];
    if (joined !== undefined) return joined;
  }
  return null;
}
