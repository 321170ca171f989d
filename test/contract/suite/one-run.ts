/**
 * A process that uses a driver once and then does nothing more: it must end by itself.
 *
 *     node one-run.ts SYSTEM TYPE
 */
import { columnsOf } from './column.ts';
import { drain } from './drain.ts';
import { numbered } from './messages.ts';
import { Workbench } from './workbench.ts';
import { systemNamed } from '../systems/every-system.ts';

// Made when they are first touched, whoever does: no leak of the driver's.
void process.stdout;
void process.stderr;

const [name = '', type = ''] = process.argv.slice(2);
const system = await systemNamed(name);
const column = columnsOf(system).find(({ channel }) => channel.type === type);
if (column === undefined) throw new Error(`${name} has no channels of type ${type}`);

await Workbench.run(column, AbortSignal.timeout(45_000), async (bench) => {
  const channel = await bench.filled(numbered(3));
  // Left in the middle, each of them: what they hold must go with them.
  if (column.facets.look !== undefined) {
    const stop = new AbortController();
    const follow = column.facets.look.costs.every((cost) => cost === 'free');
    const { batches } = await bench.looking(channel, { follow, limit: 100 }, stop.signal);
    setTimeout(() => stop.abort(), 200);
    try {
      await drain(batches);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  }
  if (column.facets.claim !== undefined) await (await bench.claiming(channel, { follow: true })).take(2);
});
console.log('closed');
