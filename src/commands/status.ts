import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { outputFlag } from '../lib/flags.ts';
import { AnswerIsNoError } from '../lib/errors.ts';
import { printFields, printHeading } from '../lib/output/fields.ts';
import { printTable } from '../lib/output/table.ts';

export default class Status extends BaseCommand<typeof Status> {
  static override summary = 'Is the cluster well: nodes, versions, offline partitions, alarms';
  static override examples = [
    { description: 'At a glance', command: '<%= config.bin %> status' },
    { description: 'For a health check', command: '<%= config.bin %> status --fail --quiet' },
  ];
  static override flags = {
    fail: Flags.boolean({ summary: 'Exit 3 when something is wrong' }),
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'status', needs: ['cluster'], changes: false });
    const status = await driver.cluster.status(this.signal);
    if (this.flags.output === 'json') await this.output.printJson(status);
    else {
      await printFields(this.output, [
        ['system', status.version === null ? status.system : `${status.system} ${status.version}`],
        ['cluster', status.cluster],
        ...Object.entries(status.facts),
        [
          'health',
          status.problems.length === 0
            ? 'well'
            : `${status.problems.length.toString()} ${status.problems.length === 1 ? 'problem' : 'problems'}`,
        ],
      ]);
      await printHeading(this.output, 'nodes');
      await printTable(
        this.output,
        [
          { header: 'NODE', cell: ({ node }) => node },
          { header: 'ADDRESS', cell: ({ address }) => address ?? '-' },
          { header: 'VERSION', cell: ({ version }) => version ?? '-' },
          { header: 'ROLE', cell: ({ role }) => role ?? '-' },
          {
            header: 'RUNNING',
            cell: ({ running }) => (running ? 'yes' : 'no'),
            paint: (text, { running }) => (running ? text : this.output.colour.red(text)),
          },
        ],
        status.nodes,
      );
      for (const problem of status.problems) this.output.warn(problem);
    }
    for (const unknown of status.unknown) this.output.note(`unknown: ${unknown}`);
    if (this.flags.fail && status.problems.length > 0)
      throw new AnswerIsNoError(`${driver.target} is not well: ${status.problems.join('; ')}`);
  }
}
