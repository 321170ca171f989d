/**
 * The most memory that `produce` and `consume` ever have (VmHWM) while a GiB goes into Kafka and comes out of it.
 *
 *     npm run build && node bench/memory.ts [MIB]
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench } from './harness/bench.ts';
import { tellGoal } from './harness/comparison.ts';
import { kafkaPlace } from './harness/kafka-topics.ts';
import { requireLines, writeLines } from './harness/lines-file.ts';
import { mqctl, run, type Used } from './harness/whole-process.ts';

const mebibytes = Number(process.argv[2] ?? 1_024);
const mostMiB = 150;

await runBench(async (bench) => {
  const { address, folder, create, requireCount, remove } = await kafkaPlace(bench);
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  const context = ['-c', `kafka://${address}`];
  for (const bytes of [1_024, 100]) {
    const topic = `bench-${bytes.toString()}`;
    const count = Math.floor((mebibytes * 1_024 * 1_024) / bytes);
    await create(topic);
    await writeLines(input, count, bytes);
    tell(
      `produce, messages of ${bytes.toString()} B`,
      await run(bench, mqctl('produce', topic, ...context), { folder, input }),
    );
    await requireCount(topic, count);
    await rm(input);
    for (const format of ['value', 'ndjson']) {
      const consume = mqctl('consume', topic, ...context, '-o', format);
      tell(
        `consume -o ${format}, messages of ${bytes.toString()} B`,
        await run(bench, consume, { folder, output }),
      );
      await requireLines(output, count);
      await rm(output);
    }
    await remove(topic);
  }
});

function tell(what: string, { peakMiB, seconds }: Used): void {
  const goal = `${what}: at most ${mostMiB.toString()} MiB`;
  tellGoal(goal, peakMiB <= mostMiB, `${peakMiB.toFixed(0)} MiB, ${seconds.toFixed(1)} s`);
}
