/**
 * All of a dead-letter queue sent back on ElasticMQ, an emulator of Amazon SQS, whole processes with plan, journal and
 * report: against the 500 a second that AWS gives its own move task at most. No figure of AWS itself.
 *
 *     npm run build && node bench/sqs-redrive.ts [MESSAGES] [ROUNDS]
 */
import { join } from 'node:path';
import { startElasticmq } from '../test/brokers/elasticmq.ts';
import { runBench } from './harness/bench.ts';
import { median, tellGoal } from './harness/comparison.ts';
import { writeLines } from './harness/lines-file.ts';
import { mqctl, run } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 3);
const bytes = 100;
const moveTaskPerSecond = 500;
const wantedTimes = 10;

await runBench(async (bench) => {
  const folder = await bench.folder();
  const { address } = await bench.broker(() => startElasticmq());
  const context = ['-c', `sqs://key:secret@us-east-1?endpoint=${address}`];
  const [input, plan] = [join(folder, 'input'), join(folder, 'plan')];
  await writeLines(input, count, bytes);
  const rates = { whole: [] as number[], apply: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ['whole', 'apply'] as const) {
      const [dead, orders] = [`dead-${way}-${round.toString()}`, `orders-${way}-${round.toString()}`];
      await run(bench, mqctl('create', dead, ...context), { folder });
      await run(bench, mqctl('create', orders, '--dead-letter', dead, ...context), { folder });
      await run(bench, mqctl('produce', dead, ...context), { folder, input });
      const common = ['dlq', 'redrive', dead, ...context];
      const pace = ['--yes', '--rate', 'max', '--no-canary'];
      const kept = `${plan}-${round.toString()}`;
      if (way === 'apply') await run(bench, mqctl(...common, '--all', '--plan', kept), { folder });
      const what = way === 'apply' ? ['--apply', kept] : ['--all'];
      const { seconds } = await run(bench, mqctl(...common, ...what, ...pace), { folder });
      rates[way].push(count / seconds);
      for (const queue of [dead, orders])
        await run(bench, mqctl('delete', queue, '--yes', ...context), { folder });
    }
  }
  const times = median(rates.apply) / moveTaskPerSecond;
  console.log(
    `${count.toLocaleString('en')} × ${bytes.toString()} B on ElasticMQ, median of ${rounds.toString()}`,
  );
  console.log(`  dlq redrive, with making the plan   ${median(rates.whole).toFixed(0)} a second`);
  console.log(`  dlq redrive --apply                 ${median(rates.apply).toFixed(0)} a second`);
  tellGoal(
    `at least ${wantedTimes.toString()} × the ${moveTaskPerSecond.toString()} a second of AWS's move task`,
    times >= wantedTimes,
    `${times.toFixed(1)} ×`,
  );
});
