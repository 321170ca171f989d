#!/usr/bin/env node
// The same command line from the TypeScript sources, without a build: for working on it.
import { settings } from '@oclif/core/settings';
import { sourceOptions } from '../scripts/source-options.ts';
import { start } from '../src/start.ts';

settings.enableAutoTranspile = false; // Node reads TypeScript itself
await start(sourceOptions());
