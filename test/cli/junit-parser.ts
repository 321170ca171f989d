/** What a real XML parser (expat, by Python's own library) makes of a JUnit report. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { isObject } from './random-records.ts';

const run = promisify(execFile);

/** For `skip`: false where there is one. */
export const withoutXmlParser =
  spawnSync('python3', ['--version']).status === 0 || process.env['MQCTL_TEST_SERVERS'] === 'required'
    ? false
    : 'no python3, which has the parser: install python3';

export interface JunitTestCase {
  readonly suite: string;
  readonly group: string;
  readonly name: string;
  /** `failure`, `skipped`, `system-out`. */
  readonly outcome: string;
  readonly text: string;
}

export interface JunitReport {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
  readonly cases: readonly JunitTestCase[];
}

const program = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.argv[1].encode())
assert root.tag == "testsuites", root.tag
print(json.dumps({**{name: int(root.get(name)) for name in ("tests", "failures", "skipped")}, "cases": [
  {"suite": s.get("name"), "group": c.get("classname"), "name": c.get("name"), "outcome": c[0].tag,
   "text": c[0].get("message") or c[0].text} for s in root.iter("testsuite") for c in s.iter("testcase")]}))`;

/** Throws what the parser says of a text that is no XML. */
export async function parseJunit(text: string): Promise<JunitReport> {
  const { stdout } = await run('python3', ['-c', program, text]);
  const report: unknown = JSON.parse(stdout);
  if (!isReport(report)) throw new Error(`no report: ${stdout}`);
  return report;
}

function isReport(value: unknown): value is JunitReport {
  return isObject(value) && typeof value['tests'] === 'number' && Array.isArray(value['cases']);
}
