import { UsageError } from '../../errors.ts';
import type { Settings } from './check.ts';
import { everyCheck } from './every-check.ts';

/** Those whose `--set` is a text. */
const texts: ReadonlySet<string> = new Set(['lag-alert']);

/** What `--set ID=VALUE` said. Throws `UsageError` for a check that is not there or has no limit, and for a value that is no number. */
export function parseSettings(assignments: Readonly<Record<string, string>>): Settings {
  const given = new Map<string, string>();
  for (const [id, value] of Object.entries(assignments)) {
    const check = everyCheck.find((each) => each.id === id);
    if (check === undefined)
      throw new UsageError(`no check "${id}"`, {
        hint: `there are ${everyCheck.map((each) => each.id).join(', ')}`,
      });
    if (check.limit === null && !texts.has(id))
      throw new UsageError(`the check "${id}" has nothing to be set`);
    if (check.limit !== null && !/^\d+(\.\d+)?$/.test(value))
      throw new UsageError(`--set ${id}: "${value}" is no number of ${check.limit.is}`);
    given.set(id, value);
  }
  return {
    number: (id) => Number(given.get(id) ?? everyCheck.find((each) => each.id === id)?.limit?.value ?? NaN),
    text: (id) => given.get(id) ?? null,
  };
}

/** The checks of these ids; null: all. Throws `UsageError`. */
export function chosenChecks(ids: readonly string[] | null) {
  const unknown = (ids ?? []).filter((id) => everyCheck.every((each) => each.id !== id));
  if (unknown.length > 0)
    throw new UsageError(`no check "${unknown.join('", "')}"`, {
      hint: `there are ${everyCheck.map(({ id }) => id).join(', ')}`,
    });
  return everyCheck.filter(({ id }) => ids === null || ids.includes(id));
}
