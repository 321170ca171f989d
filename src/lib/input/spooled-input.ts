import type { MessageInput } from './messages.ts';
import { spool, type Spool } from './spool.ts';

/**
 * Keeps what can be read only once for as long as `work` takes: what `open` gives is the whole input from its beginning,
 * each time. Throws what reading the input throws, then what `work` throws.
 */
export async function withSpooledInput(
  input: MessageInput,
  work: (open: () => MessageInput) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const spools: Spool[] = [];
  try {
    for (const source of input.sources) spools.push(await spool(source, signal));
    await work(() => ({ ...input, sources: spools.map((spooled) => spooled.open()) }));
  } finally {
    for (const spooled of spools) await spooled.remove();
  }
}
