/**
 * Who may import whom. The two tables below are the rule; `npm run boundaries` (scripts/boundaries.ts) holds it.
 *
 * Folders end with a slash. What lies in one folder may import its neighbours.
 */
const leaves = [
  'src/lib/errors.ts',
  'src/lib/nearest.ts',
  'src/lib/address-text.ts',
  'src/lib/certificate-failure.ts',
  'src/lib/shell-line.ts',
  'src/lib/tls-settings.ts',
  'src/lib/input/duration.ts',
];
const everyone = [...leaves, 'src/lib/message/'];
const contract = 'src/lib/drivers/driver.ts';
const registry = 'src/lib/drivers/registry.ts';

const mayImport = {
  'src/lib/errors.ts': [],
  'src/lib/nearest.ts': ['src/lib/errors.ts'],
  'src/lib/address-text.ts': [],
  'src/lib/certificate-failure.ts': [],
  'src/lib/shell-line.ts': [],
  'src/lib/tls-settings.ts': [],
  'src/lib/message/': leaves,
  'src/lib/config/': [...everyone, contract, 'src/lib/schema/registry/settings.ts'],
  'src/lib/output/': everyone,
  'src/lib/filter/': everyone,
  'src/lib/store/': everyone,
  'src/lib/input/': everyone,
  'src/lib/prompt/': [...everyone, 'src/lib/output/'],
  'src/lib/schema/': [...everyone, 'src/lib/store/json-file.ts'],
  'src/lib/operations/': [...everyone, contract, 'src/lib/schema/', 'src/lib/filter/', 'src/lib/store/'],
  'src/lib/dlq/': [
    ...everyone,
    contract,
    'src/lib/operations/',
    'src/lib/schema/',
    'src/lib/filter/',
    'src/lib/store/',
  ],
  // How results look, where that takes more than a table's columns: what operations and redrives found, for the output.
  'src/lib/views/': [
    ...everyone,
    contract,
    'src/lib/operations/',
    'src/lib/dlq/',
    'src/lib/replay/',
    'src/lib/schema/',
    'src/lib/output/',
    'src/lib/prompt/',
  ],
  'src/lib/replay/': [
    ...everyone,
    contract,
    'src/lib/operations/',
    'src/lib/dlq/',
    'src/lib/filter/',
    'src/lib/store/',
  ],
  // A file for each facet; everyone else imports them from driver.ts.
  'src/lib/drivers/contract/': everyone,
  'src/lib/drivers/driver.ts': [...everyone, 'src/lib/drivers/contract/'],
  'src/lib/drivers/registry.ts': [
    ...leaves,
    contract,
    'src/lib/drivers/[^/]+/declaration.ts',
    'src/lib/drivers/[^/]+/index.ts',
  ],
  // Signing in to AWS, what its services answer alike, and queues, to which SNS leads, are one thing for the three of them.
  'src/lib/drivers/aws/': [...everyone, contract],
  'src/lib/drivers/sqs/': [...everyone, contract, 'src/lib/drivers/aws/'],
  'src/lib/drivers/sns/': [...everyone, contract, 'src/lib/drivers/aws/'],
  // Kinesis remembers nobody's place, so its driver keeps them on this machine.
  'src/lib/drivers/kinesis/': [
    ...everyone,
    contract,
    'src/lib/drivers/aws/',
    'src/lib/store/(json-file|exclusive-lock).ts',
  ],
  // A driver's own folder is added by the rule below: never another driver's.
  'src/lib/drivers/(?!contract/|aws/|sqs/|sns/|kinesis/)[^/]+/': [...everyone, contract],
  'src/lib/completion/': [...everyone, contract, registry, 'src/lib/config/', 'src/lib/operations/'],
  'src/lib/demo/': [...everyone, contract, registry, 'src/lib/operations/'],
  'src/lib/nursery.ts': [],
  'src/lib/flags.ts': leaves,
  'src/lib/explain-error.ts': [...everyone, contract, 'src/lib/output/streams.ts'],
  'src/lib/base.ts': [
    'src/lib/nursery.ts',
    'src/lib/flags.ts',
    'src/lib/explain-error.ts',
    ...everyone,
    contract,
    registry,
    'src/lib/schema/registry/settings.ts',
    'src/lib/config/',
    'src/lib/input/',
    'src/lib/prompt/',
    'src/lib/output/',
  ],
  'src/lib/sample-command.ts': [
    'src/lib/base.ts',
    'src/lib/flags.ts',
    'src/lib/errors.ts',
    'src/lib/filter/',
    'src/lib/input/',
    'src/lib/message/',
    'src/lib/operations/',
  ],
  'src/lib/consume-flags.ts': ['src/lib/flags.ts', 'src/lib/output/'],
  'src/lib/produce-flags.ts': [
    contract,
    'src/lib/flags.ts',
    'src/lib/input/messages.ts',
    'src/lib/schema/framing/chosen-framings.ts',
  ],
  'src/lib/redrive-flags.ts': ['src/lib/flags.ts', 'src/lib/dlq/'],
  'src/lib/purge-command.ts': [
    ...everyone,
    contract,
    'src/lib/base.ts',
    'src/lib/flags.ts',
    'src/lib/dlq/',
    'src/lib/output/',
  ],
  'src/lib/position-command.ts': [
    ...everyone,
    contract,
    'src/lib/base.ts',
    'src/lib/flags.ts',
    'src/lib/operations/',
    'src/lib/output/',
  ],
  // The commands about contexts are the face of the configuration, and completion offers their names.
  'src/commands/(context/|complete\\.ts)': ['src/lib/', 'src/commands/'],
  'src/commands/(?!context/|complete\\.ts)': [
    ...everyone,
    contract,
    registry,
    'src/commands/',
    'src/lib/base.ts',
    'src/lib/flags.ts',
    'src/lib/consume-flags.ts',
    'src/lib/produce-flags.ts',
    'src/lib/redrive-flags.ts',
    'src/lib/position-command.ts',
    'src/lib/purge-command.ts',
    'src/lib/sample-command.ts',
    'src/lib/completion/',
    'src/lib/demo/',
    'src/lib/filter/',
    'src/lib/operations/',
    'src/lib/dlq/',
    'src/lib/replay/',
    'src/lib/schema/',
    'src/lib/input/',
    'src/lib/prompt/',
    'src/lib/output/',
    'src/lib/views/',
  ],
};

/** The homes of a library: nobody else imports it. */
const homes = {
  kafkajs: ['src/lib/drivers/kafka/'],
  avsc: ['src/lib/schema/avro/'],
  ajv: ['src/lib/schema/json/'],
  protobufjs: ['src/lib/schema/protobuf/'],
  aws4: ['src/lib/drivers/kafka/'],
  amqplib: ['src/lib/drivers/rabbitmq/'],
  '@aws-sdk/client-sqs': ['src/lib/drivers/aws/', 'src/lib/drivers/sqs/', 'src/lib/drivers/sns/'],
  '@aws-sdk/client-sns': ['src/lib/drivers/sns/'],
  '@aws-sdk/client-kinesis': ['src/lib/drivers/kinesis/'],
  '@smithy/node-http-handler': ['src/lib/drivers/aws/'],
  '@nats-io/jetstream': ['src/lib/drivers/nats/'],
  '@nats-io/transport-node': ['src/lib/drivers/nats/'],
  '@redis/client': ['src/lib/drivers/redis/'],
  'node:sqlite': ['src/lib/drivers/local/', 'src/lib/store/'],
  '@inquirer/core': ['src/lib/prompt/'],
  inquirer: ['src/lib/prompt/'],
  'cli-table3': ['src/lib/output/'],
  chalk: ['src/lib/output/'],
  yaml: ['src/lib/config/', 'src/lib/output/'],
  '@marcbachmann/cel-js': ['src/lib/filter/'],
  protobufjs: ['src/lib/schema/protobuf/'],
  ajv: ['src/lib/schema/json/'],
  'ajv-draft-04': ['src/lib/schema/json/'],
  'fast-json-patch': ['src/lib/dlq/'],
  '@oclif/core': [
    'src/start.ts',
    'src/lib/base.ts',
    'src/lib/flags.ts',
    'src/lib/consume-flags.ts',
    'src/lib/produce-flags.ts',
    'src/lib/redrive-flags.ts',
    'src/lib/position-command.ts',
    'src/lib/purge-command.ts',
    'src/lib/sample-command.ts',
    'src/lib/help.ts',
    'src/lib/command-not-found.ts',
    'src/commands/',
    'bin/',
  ],
};

const escape = (name) => name.replace(/[.*+?^${}()|]/g, '\\$&');
/** `src/lib/drivers/[^/]+/` is written as a pattern already; the dot of `driver.ts` matches itself well enough. */
const anyOf = (places) => `^(${places.join('|')})`;

const layers = Object.entries(mayImport).map(([from, allowed]) => ({
  name: `imports-of-${from}`,
  comment: `${from} may import only ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^(${from})` },
  to: {
    path: '^src/',
    // $1 is what the first group of `from` matched: the folder itself.
    pathNot: [...(from.endsWith('/') ? ['^$1'] : []), ...(allowed.length > 0 ? [anyOf(allowed)] : [])],
  },
}));

const libraries = Object.entries(homes).map(([library, places]) => ({
  name: `home-of-${library}`,
  comment: `only ${places.join(', ')} may import ${library}`,
  severity: 'error',
  from: { path: '^(src|bin)/', pathNot: [anyOf(places)] },
  to: {
    path: library.startsWith('node:')
      ? `^(node:)?${library.slice(5)}$`
      : `(^|node_modules/)${escape(library)}(/|$)`,
  },
}));

module.exports = {
  forbidden: [
    ...layers,
    ...libraries,
    {
      name: 'commands-touch-no-machine',
      comment: 'a command turns flags into one operation: files, processes and sockets belong below it',
      severity: 'error',
      from: { path: '^src/commands/' },
      to: { path: '^(node:)?(fs|fs/promises|child_process|net|tls|http|https)$' },
    },
    {
      name: 'no-cycles',
      comment: 'modules that import each other cannot be read one after the other',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dead-modules',
      comment: 'no command reaches this module',
      severity: 'error',
      from: { path: '^(bin/|src/start\\.ts$|src/commands/|src/lib/(help|command-not-found)\\.ts$)' },
      to: {
        path: '^src/',
        pathNot: '^(src/start\\.ts$|src/commands/|src/lib/(help|command-not-found)\\.ts$)|\\.d\\.ts$',
        reachable: false,
      },
    },
    {
      name: 'nothing-unresolved',
      comment: 'the imported module is not there',
      severity: 'error',
      from: {},
      // What bin/run.js starts is built.
      to: { couldNotResolve: true, pathNot: '/dist/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js'],
    },
  },
};
