/**
 * Holds the rules of `.dependency-cruiser.cjs`: who may import whom, which library lives where, no cycles, no dead
 * modules. Prints each violation with what to do, and ends with 1 where there is one.
 *
 *     node scripts/boundaries.ts [FOLDER]
 *
 * FOLDER is the root of the project, by default the one that this file is in.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';

const project = dirname(import.meta.dirname);

/** Throws where nothing was looked at: a check of no modules would always pass. */
async function check(root: string): Promise<{ modules: number; violations: readonly string[] }> {
  // The checker reads `tsconfig.json` and resolves paths from the working folder.
  process.chdir(root);
  const options = await extractDepcruiseOptions(join(project, '.dependency-cruiser.cjs'));
  const folders = ['src', 'bin', 'scripts', 'test'].filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, {
    ...options,
    tsConfig: { fileName: join(project, 'tsconfig.json') },
    validate: true,
  });
  if (typeof output === 'string') throw new Error(`the checker answered with text: ${output}`);
  const ours = output.modules.filter((module) => module.source.startsWith('src/'));
  if (ours.length === 0) throw new Error(`no module under ${join(root, 'src')} was looked at`);
  return { modules: output.summary.totalCruised, violations: describe(output) };
}

function describe({ summary }: ICruiseResult): string[] {
  const comments = new Map(
    (summary.ruleSetUsed?.forbidden ?? []).map((rule) => [rule.name, rule.comment ?? '']),
  );
  return summary.violations.map(({ rule, from, to, cycle }) => {
    const path = cycle === undefined ? to : [to, ...cycle.map((step) => step.name)].join(' → ');
    const arrow = rule.name === 'no-dead-modules' ? to : `${from} → ${path}`;
    return `${arrow}\n    ${rule.name}: ${comments.get(rule.name) ?? ''}`;
  });
}

const { modules, violations } = await check(resolve(process.argv[2] ?? project));
for (const violation of new Set(violations)) console.error(violation);
console.log(`${modules} modules looked at, ${violations.length} violations of the import rules`);
process.exitCode = violations.length > 0 ? 1 : 0;
