import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { probeLogin, type ProbeResult } from '../../lib/operations/probe-login.ts';
import { printTable, type Column } from '../../lib/output/table.ts';

export default class ContextTest extends BaseCommand<typeof ContextTest> {
  static override summary = 'Connect, log in, and say what this login may see';
  static override description =
    'Only looks: nothing is joined, produced or changed. Exit 4 when it cannot be reached or refuses the login.';
  static override examples = [
    { description: 'The current context', command: '<%= config.bin %> context test' },
    {
      description: 'An address, before it becomes a context',
      command: '<%= config.bin %> context test amqps://me@mq.example.com/shop',
    },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'name or URL; the current one when left out' }),
  };
  static override flags = { output: outputFlag(['table', 'json']) };

  async run(): Promise<void> {
    const { driver, context } = await this.connectTo(this.args.name ?? this.flags.context, {
      verb: 'context test',
      needs: [],
      changes: false,
    });
    this.output.note(`connected to ${driver.target}`);
    const checks = await probeLogin(driver, this.signal);
    if (this.flags.output === 'json')
      await this.output.printJson({ context: context.name, target: driver.target, connected: true, checks });
    else await printTable(this.output, columns, checks);
  }
}

const columns: readonly Column<ProbeResult>[] = [
  { header: 'MAY', cell: ({ what }) => what },
  { header: 'ANSWER', cell: ({ result }) => result },
  { header: 'DETAIL', cell: ({ detail }) => detail ?? '' },
];
