import { Args } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { prepareFolder } from '../lib/demo/folder.ts';
import { fillWithIncident } from '../lib/demo/incident.ts';
import { tour, typed } from '../lib/demo/tour.ts';

const context = 'local:shop.db';

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary =
    'A small incident in an embedded broker, and a guided, real run of the commands: nothing to install';
  static override description =
    "Fills FOLDER/shop.db with a shop's orders: one consumer fell behind, and dead letters of three causes are waiting. Then runs the commands that show it, each output after the command line that made it. Everything stays there to go on by hand.";
  static override examples = [
    { description: 'Seconds, and it ends by itself', command: '<%= config.bin %> demo' },
    {
      description: 'Then by hand',
      command: 'cd mqctl-demo && <%= config.bin %> dlq inspect orders.dlq -c local:shop.db',
    },
  ];
  static override args = {
    folder: Args.string({ ignoreStdin: true, default: 'mqctl-demo', description: 'where to put it' }),
  };

  async run(): Promise<void> {
    const { output } = this;
    const folder = await prepareFolder(this.args.folder);
    process.chdir(folder);
    await this.#fill();
    await output.print(`A shop and an incident in it: ${output.colour.bold(folder)}\n`);
    process.env['MQCTL_CONTEXT'] = context;
    for (const { sentence, words } of tour) {
      if (this.signal.aborted) break;
      await output.print(
        `${output.colour.dim(`# ${sentence}`)}\n${output.colour.cyan('$')} ${output.colour.bold(typed(words))}`,
      );
      await this.#run(words);
    }
    this.signal.throwIfAborted();
    process.exitCode = 0; // the last step's exit 3 was the point of it, and is told
    // Run by npm from the repository, there is no mqctl in the path.
    const program = process.env['npm_lifecycle_event'] === undefined ? 'mqctl' : 'npx mqctl';
    await output.print(
      `\nGo on by hand, it is all still there:\n  cd ${folder}\n  export MQCTL_CONTEXT=${context}\n  ${program} dlq inspect orders.dlq`,
    );
  }

  async #fill(): Promise<void> {
    const { driver } = await this.connectTo(context, {
      verb: 'demo',
      needs: ['admin', 'publish', 'claim'],
      changes: true,
    });
    await fillWithIncident(driver, Date.now(), this.signal);
  }

  /** The very command, in this process. */
  async #run(words: readonly string[]): Promise<void> {
    process.exitCode = 0;
    const id = words.slice(0, words[0] === 'dlq' ? 2 : 1);
    await this.config.runCommand(id.join(':'), [...words.slice(id.length)]);
    await this.output.data.flush();
    await this.output.print(process.exitCode === 0 ? '' : `(exit ${String(process.exitCode)})\n`);
  }
}
