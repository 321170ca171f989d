const units = ['KiB', 'MiB', 'GiB', 'TiB'];

/** `512 B`, `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 'B';
  for (const larger of units) {
    if (size < 1024) break;
    size /= 1024;
    unit = larger;
  }
  return unit === 'B' || size >= 10 ? `${Math.round(size).toString()} ${unit}` : `${size.toFixed(1)} ${unit}`;
}
