/** A word as it is typed at a shell: quoted where it has to be, control characters never as they are. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (/[\u0000-\u001f\u007f-\u009f]/.test(word))
    return `$'${word.replace(/[\\'\u0000-\u001f\u007f-\u009f]/g, (letter) =>
      /[\\']/.test(letter) ? `\\${letter}` : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A command for the user to type or paste, with each value that is put into it as one word of a shell: names of
 * channels and groups come from a broker and may hold blanks, quotes and `$(…)`.
 */
export function shellLine(words: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: words }, ...values.map(shellWord));
}
