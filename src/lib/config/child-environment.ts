import type { Context } from './context.ts';
import { parseTemplate } from './placeholder.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The environment for a command that handles messages: this one without what the context takes its secrets from, and
 * without variables of ours, one of which may be a URL with a password. `MQCTL_CONTEXT` is the context's name, so that the
 * command may call this program itself.
 */
export function childEnvironment(environment: Variables, context: Context): Variables {
  const secret = new Set<string>();
  collectVariables(context.fields, secret);
  const kept = Object.entries(environment).filter(
    ([name]) => !secret.has(name) && (!name.startsWith('MQCTL_') || name === 'MQCTL_CONFIG'),
  );
  return { ...Object.fromEntries(kept), MQCTL_CONTEXT: context.name };
}

/** The variables that any text in these fields names. */
function collectVariables(fields: unknown, into: Set<string>): void {
  if (typeof fields === 'string') {
    if (!fields.includes('${')) return;
    for (const part of parseTemplate(fields, 'context'))
      if (typeof part !== 'string' && part.kind === 'env') into.add(part.argument);
  } else if (typeof fields === 'object' && fields !== null) {
    for (const value of Object.values(fields)) collectVariables(value, into);
  }
}
