/**
 * The framework knows flags with a value and flags without, none whose value may be left out: where it is, `fallback` is put in.
 * What follows the flag is its value when `isValue` says so.
 */
export function withOptionalValue(
  words: readonly string[],
  names: readonly string[],
  isValue: (word: string) => boolean,
  fallback: string,
): string[] {
  return words.flatMap((word, at) => {
    if (!names.includes(word)) return [word];
    const next = words[at + 1];
    return next !== undefined && isValue(next) ? [word] : [word, fallback];
  });
}
