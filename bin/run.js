#!/usr/bin/env node
// Start-up only. Everything here must also parse and run on the Node versions that are too old for the rest.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const wanted = manifest.engines.node.replace('>=', '');

function isOlder(version, minimum) {
  const have = version.split('.').map(Number);
  const need = minimum.split('.').map(Number);
  for (let at = 0; at < need.length; at += 1) {
    if (have[at] !== need[at]) return have[at] < need[at];
  }
  return false;
}

if (isOlder(process.versions.node, wanted)) {
  process.stderr.write(
    'mqctl: needs Node.js ' +
      wanted +
      ' or newer, and this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ')\n' +
      '  install a newer one, or let npm bring it for one command: npx --package=node@24 --package=mqctl mqctl\n',
  );
  process.exit(1);
}

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-v')) {
  process.stdout.write(
    'mqctl/' +
      manifest.version +
      ' ' +
      process.platform +
      '-' +
      process.arch +
      ' node-v' +
      process.versions.node +
      '\n',
  );
} else {
  import('node:module')
    .then(function (module) {
      module.enableCompileCache();
      return import('../dist/start.js');
    })
    .then(function (start) {
      return start.start();
    })
    .catch(function (error) {
      if (error.code === 'ERR_MODULE_NOT_FOUND' && String(error.message).includes('dist')) {
        process.stderr.write('mqctl: it is not built yet: npm run build\n');
      } else {
        process.stderr.write('mqctl: ' + (error.stack || error) + '\n');
      }
      process.exitCode = 1;
    });
}
