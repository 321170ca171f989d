import { UsageError } from '../errors.ts';

/**
 * `orders@prod` as a channel and a context: the name of a channel ends at the first @. A context that is not said is null.
 * Throws `UsageError`.
 */
export function parseDestination(text: string): {
  readonly channel: string;
  readonly context: string | null;
} {
  const at = text.indexOf('@');
  const channel = at < 0 ? text : text.slice(0, at);
  const context = at < 0 ? null : text.slice(at + 1);
  if (channel === '' || context === '')
    throw new UsageError(`${JSON.stringify(text)} names no channel and context`, {
      hint: 'write --to CHANNEL or --to CHANNEL@CONTEXT',
    });
  return { channel, context };
}
