/**
 * How long it takes until the shortest commands have ended, whole processes: against bare Node, and the version of kcat and
 * of a tool of Kafka's own.
 *
 *     npm run build && node bench/start.ts [ROUNDS]
 */
import { freePorts } from '../test/brokers/free-ports.ts';
import { runBench } from './harness/bench.ts';
import { compare } from './harness/comparison.ts';
import { kafkaTool, mqctl, run, type Command, type Used } from './harness/whole-process.ts';

const rounds = Number(process.argv[2] ?? 15);
const unreachable = 4;

await runBench(async (bench) => {
  const folder = await bench.folder();
  const [refused = 0] = await freePorts(1);
  const lag = mqctl('lag', '-c', `kafka://127.0.0.1:${refused.toString()}`);
  const starting =
    (command: Command, exitCode = 0) =>
    (): Promise<Used> =>
      run(bench, command, { folder, exitCode });
  const java = await kafkaTool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', '--version');
  const sides = [
    { name: 'node -e 0', run: starting({ program: process.execPath, words: ['-e', '0'] }) },
    { name: '--version', run: starting(mqctl('--version')) },
    { name: '--help', run: starting(mqctl('--help')) },
    { name: 'lag --help', run: starting(mqctl('lag', '--help')) },
    { name: 'lag, refused port', run: starting(lag, unreachable) },
    { name: 'kcat -V', run: starting({ program: 'kcat', words: ['-V'] }) },
    { name: 'kafka-consumer-groups --version', run: starting(java) },
  ];
  for (const side of sides) await side.run(); // what is read from the disk for the first time, and compiled once
  await compare('Start to end', rounds, sides, [
    { of: '--version', atMost: 1.6, times: 'node -e 0' },
    { of: '--help', atMost: 3.5, times: 'node -e 0' },
    { of: 'lag, refused port', atMost: 4.5, times: 'node -e 0' },
  ]);
});
