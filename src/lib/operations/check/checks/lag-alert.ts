import { readFile } from 'node:fs/promises';

import { errorText, UsageError } from '../../../errors.ts';
import { result, type Check } from '../check.ts';

/** Whether somebody is told: only a file of rules, named by `--set lag-alert=FILE`, can say so. */
export const lagAlert: Check = {
  id: 'lag-alert',
  about: 'an alert on lag for each group, in a file of rules (--set lag-alert=FILE)',
  limit: null,
  async run({ lag, settings }) {
    const file = settings.text('lag-alert');
    if (file === null)
      return [result(null, 'unknown', 'no file of rules is named', 'mqctl check --set lag-alert=FILE')];
    const rules = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`--set lag-alert: ${errorText(error)}`);
    });
    const alerts = /lag/i.test(rules);
    const names = new Set((await lag()).groups.map(({ group, channel }) => group ?? channel));
    // A rule that names no group is one for all of them.
    const general = alerts && ![...names].some((name) => rules.includes(name));
    return [...names].map((name) =>
      alerts && (general || rules.includes(name))
        ? result(name, 'pass', `${file} speaks of ${general ? 'the lag of all' : 'its lag'}`)
        : result(name, 'fail', `${file} has no rule for its lag`, `mqctl lag ${name} -o openmetrics`),
    );
  },
};
