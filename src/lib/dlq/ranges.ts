/** Ordinals as text, runs joined: `0-99,105`. */
export function rangesText(ordinals: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < ordinals.length;) {
    const first = ordinals[at] ?? 0;
    let last = first;
    at += 1;
    while (ordinals[at] === last + 1) {
      last += 1;
      at += 1;
    }
    parts.push(first === last ? first.toString() : `${first.toString()}-${last.toString()}`);
  }
  return parts.join(',');
}

/** null where the text is none of ours, or goes beyond `count`. */
export function parseRanges(text: string, count: number): readonly (readonly [number, number])[] | null {
  const ranges: (readonly [number, number])[] = [];
  for (const part of text.split(',')) {
    const parts = /^(\d{1,16})(?:-(\d{1,16}))?$/.exec(part);
    if (parts === null) return null;
    const first = Number(parts[1]);
    const last = Number(parts[2] ?? parts[1]);
    if (last < first || last >= count) return null;
    ranges.push([first, last]);
  }
  return ranges;
}
