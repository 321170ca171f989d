#!/usr/bin/env node
// The same command line from the TypeScript sources, without a build: for working on it.
import { startFromSources } from '../src/start.ts';

await startFromSources();
