/**
 * Names by pattern: `*` is any run of characters, `?` any one, everything else itself. The whole name must match.
 * null matches all. Time is at most pattern times name, whatever the pattern.
 */
export function globMatches(pattern: string | null, name: string): boolean {
  if (pattern === null) return true;
  const wanted = [...pattern];
  const given = [...name];
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < given.length) {
    if (wanted[at] === '*') {
      star = at++;
      resume = position;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[position])) {
      at++;
      position++;
    } else if (star >= 0) {
      // The last star takes one more; an earlier one never needs to.
      at = star + 1;
      position = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}
