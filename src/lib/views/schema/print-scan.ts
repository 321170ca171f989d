import { visible } from '../../output/sanitise.ts';
import type { Output } from '../../output/output.ts';
import { countText } from '../../output/time.ts';
import type { ScanGroup } from '../../operations/scan-channel.ts';

/** A group in lines of its own, for a terminal: in a table of eighty columns the reason would be cut. */
export async function printScan(output: Output, groups: readonly ScanGroup[]): Promise<void> {
  for (const group of groups) {
    const { reason, count, range, message, healthy } = group;
    const head = visible([`${countText(count)} × ${reason}`, ...frameOf(group)].join(', '));
    const lines = [healthy ? output.colour.green(head) : output.colour.red(head)];
    if (message !== '') lines.push(`  the first one: ${visible(message)}`);
    if (range !== null) lines.push(`  --from ${visible(range.from)} --until ${visible(range.until)}`);
    await output.print(lines.join('\n'));
  }
}

function frameOf({ part, framing, key, schema }: ScanGroup): string[] {
  const words = [part, framing === null ? 'no frame' : `frame ${framing}`, key, schema];
  return [...new Set(words.filter((word) => word !== null))];
}
