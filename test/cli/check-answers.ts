import assert from 'node:assert/strict';
import { isObject } from './random-records.ts';
import type { Workplace } from './workplace.ts';

/** Looks that follow each other sooner are not kept. */
export const betweenLooksMs = 5_500;

const worse = ['unknown', 'pass', 'warn', 'fail'];

export interface CheckAnswers {
  readonly code: number | null;
  /** By check, the worst of what was checked. */
  readonly answers: ReadonlyMap<string, string>;
  /** Of what answered so: the worst. */
  readonly evidence: ReadonlyMap<string, string>;
  readonly text: string;
}

/** Runs `check`; each answer must have its evidence. */
export async function checkAnswers(
  { run }: Pick<Workplace, 'run'>,
  words: readonly string[],
): Promise<CheckAnswers> {
  const { code, stdout, stderr } = await run(['check', ...words, '-o', 'json']);
  const text = stdout.toString() + stderr;
  assert.ok(code === 0 || code === 3, text);
  const document: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(document) && Array.isArray(document['checks']));
  const answers = new Map<string, string>();
  const evidence = new Map<string, string>();
  for (const each of document['checks']) {
    assert.ok(isObject(each) && typeof each['evidence'] === 'string' && each['evidence'] !== '');
    const [id, status] = [String(each['check']), String(each['status'])];
    if (worse.indexOf(status) < worse.indexOf(answers.get(id) ?? '')) continue;
    answers.set(id, status);
    evidence.set(id, each['evidence']);
  }
  return { code, answers, evidence, text };
}
