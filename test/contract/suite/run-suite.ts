/**
 * The contract suite: one table of cases that must hold on every system that declares what they need.
 *
 * A new driver begins here: write `test/contract/systems/NAME.ts` (what it takes is in `system-under-test.ts`), add it to
 * `systems/every-system.ts`, copy `test/contract/local.test.ts`, and turn the table green.
 *
 *     npm test -- contract/local                     one system
 *     npm test -- contract/local --name "a lease"    the cases whose name matches
 *     npm run matrix                                 writes docs/systems/matrix.md
 */
import { describe, it } from 'node:test';
import { columnsOf } from './column.ts';
import { whyNotApplicable } from './contract-case.ts';
import { everySection } from './every-case.ts';
import type { SystemUnderTest } from './system-under-test.ts';
import { Workbench } from './workbench.ts';

/** More than any case takes: who runs into it hangs. */
const timeout = 60_000;

export function runSuite(system: SystemUnderTest): void {
  for (const column of columnsOf(system))
    describe(`contract: ${column.name}`, { skip: system.missing }, () => {
      for (const { title, cases } of everySection)
        describe(title, () => {
          for (const one of cases) {
            const reason = whyNotApplicable(one, column);
            const skip = reason === null ? system.missing : `not applicable: ${reason}`;
            it(one.name, { skip, timeout }, ({ signal }) => Workbench.run(column, signal, one.run));
          }
        });
    });
}
