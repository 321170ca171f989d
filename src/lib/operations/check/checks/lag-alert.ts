import { readFile } from 'node:fs/promises';

import { errorText, UsageError } from '../../../errors.ts';
import { result, type Check } from '../check.ts';
import { shellLine } from '../../../shell-line.ts';

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
    const alerts = /lag|depth|messages_ready/i.test(rules);
    const chosen = [...rules.matchAll(selector)].map(([, operator, value = '']) =>
      operator === '=~' ? wholePattern(value) : value,
    );
    const names = new Set((await lag()).groups.map(({ group, channel }) => group ?? channel));
    return [...names].map((name) => {
      const own = chosen.some((each) => (typeof each === 'string' ? each === name : each.test(name)));
      return alerts && (chosen.length === 0 || own)
        ? result(name, 'pass', `${file} speaks of ${own ? 'its lag' : 'the lag of all'}`)
        : result(
            name,
            'fail',
            `${file} has no rule for its lag`,
            shellLine`mqctl lag ${name} -o openmetrics`,
          );
    });
  },
};

/** Prometheus' `group="billing"`, `consumergroup=~"b.*"`, `queue="orders"`: a file without any is for all of them. */
const selector = /\b(?:consumer_?group(?:_id)?|group(?:_id)?|queue|topic|channel)\s*(=~|=)\s*"([^"]*)"/gi;

function wholePattern(text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})$`);
  } catch (error) {
    throw new UsageError(`--set lag-alert: ${errorText(error)}`);
  }
}
