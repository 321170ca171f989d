import stringWidth from 'string-width';

/** So many letters may stand in one column: combining marks, joined emoji. */
const lettersAColumn = 8;

/** Cut to so many columns of a terminal, with an ellipsis where something was cut. */
export function shorten(text: string, width: number): string {
  // What is twice as long as it may be is not measured as a whole.
  if (text.length <= width * lettersAColumn && stringWidth(text) <= width) return text;
  let shortened = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, width * lettersAColumn))) {
    const columns = stringWidth(segment);
    if (used + columns > width - 1) break;
    shortened += segment;
    used += columns;
  }
  return width < 1 ? '' : `${shortened}…`;
}

/** Exactly so many columns: cut, or filled up with spaces. */
export function fitted(text: string, width: number): string {
  const cut = shorten(text, width);
  return cut + ' '.repeat(Math.max(0, width - stringWidth(cut)));
}

/** Broken into lines of so many columns. */
export function wrapped(text: string, width: number): string[] {
  if (text.length <= width && stringWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const columns = stringWidth(segment);
    if (used + columns > width && line !== '') {
      lines.push(line);
      line = '';
      used = 0;
    }
    line += segment;
    used += columns;
  }
  return [...lines, line];
}
