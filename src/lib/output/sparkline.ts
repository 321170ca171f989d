const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** One character for each value, from 0 to the largest; a dot where it is unknown. */
export function sparkline(values: readonly (number | null)[]): string {
  const most = values.reduce<number>((largest, value) => Math.max(largest, value ?? 0), 0);
  return values
    .map((value) => {
      if (value === null) return '·';
      const level = most === 0 ? 0 : Math.round((Math.max(0, value) / most) * (levels.length - 1));
      return levels[level] ?? levels[0];
    })
    .join('');
}

/** Whether values rise, fall or stay from the first to the last that are known. */
export function trendArrow(values: readonly (number | null)[]): '↑' | '↓' | '→' | ' ' {
  const known = values.filter((value) => value !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 2) return ' ';
  return last > first ? '↑' : last < first ? '↓' : '→';
}
