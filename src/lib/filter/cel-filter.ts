/**
 * `--filter`: the Common Expression Language over one message (`cel-variables.ts` says which variables there are).
 *
 * A message without a field that the expression reads does not match, and neither does one whose field has another
 * type: a channel holds messages of many shapes. `||`, `has()` and `.?` say what else to do.
 */
import { Environment, EvaluationError, ParseError, TypeError, type ASTNode } from '@marcbachmann/cel-js';

import { UsageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { celTypes, celVariables } from './cel-variables.ts';

/** Throws `UsageError` with the place in the expression. */
export function celFilter(
  expression: string,
  onMismatch?: (reason: string) => void,
): (message: Message) => boolean {
  const program = compile(expression);
  const variables = celVariables(expression);
  let told = false;
  return (message) => {
    try {
      const result: unknown = program(variables(message));
      return result === true;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      if (!told && error.code !== 'no_such_key') {
        told = true;
        onMismatch?.(error.summary);
      }
      return false;
    }
  };
}

function compile(expression: string) {
  try {
    const program = celEnvironment().parse(expression);
    refuseMatches(program.ast, expression);
    const { type, error } = program.check();
    if (error !== undefined) throw error;
    if (type !== undefined && type !== 'bool' && type !== 'dyn')
      throw new UsageError(`--filter: this is a ${type}, neither true nor false`, {
        hint: 'compare it: value.total > 500',
      });
    return program;
  } catch (error) {
    if (!(error instanceof ParseError) && !(error instanceof TypeError)) throw error;
    throw new UsageError(`--filter: ${error.summary}${placeIn(expression, error.range?.start)}`, {
      cause: error,
    });
  }
}

/** Where the error is, on the one line that an error has: `, at character 15, before "valu.total > 1"`. */
function placeIn(expression: string, at: number | undefined): string {
  if (at === undefined) return '';
  const rest = expression.slice(at).replace(/\s+/g, ' ');
  const shown = rest.length > 30 ? `${rest.slice(0, 30)}…` : rest;
  return `, at character ${at + 1}, ${rest === '' ? 'the end' : `before ${JSON.stringify(shown)}`}`;
}

function celEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const [name, type] of Object.entries(celTypes)) environment.registerVariable(name, type);
  // JSON has one kind of number, which is a double here: without these `value.total + 1` would never match.
  const operators: Readonly<Record<string, (one: number, other: number) => number>> = {
    '+': (one, other) => one + other,
    '-': (one, other) => one - other,
    '*': (one, other) => one * other,
    '/': (one, other) => one / other,
    '%': (one, other) => one % other,
  };
  for (const [operator, apply] of Object.entries(operators)) {
    const mixed = (one: number | bigint, other: number | bigint): number => apply(Number(one), Number(other));
    environment.registerOperator(`double ${operator} int`, mixed);
    environment.registerOperator(`int ${operator} double`, mixed);
  }
  environment.registerOperator('double % double', operators['%'] ?? (() => NaN));
  return environment;
}

/** CEL's own `matches` runs in linear time; this library's is a JavaScript RegExp, which a payload can make run for hours. */
function refuseMatches(node: ASTNode, expression: string): void {
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === 'matches')
    throw new UsageError(`--filter: matches() is not offered${placeIn(expression, node.range.start)}`, {
      hint: 'use contains(), startsWith() or endsWith(), or --grep RE for the value',
    });
  for (const child of childrenOf(node)) refuseMatches(child, expression);
}

function childrenOf({ op, args }: ASTNode): readonly ASTNode[] {
  if (op === 'value' || op === 'id') return [];
  if (op === '.' || op === '.?') return [args[0]];
  if (op === 'call') return args[1];
  if (op === 'rcall') return [args[1], ...args[2]];
  if (op === 'map') return args.flat();
  if (op === '!_' || op === '-_') return [args];
  return args;
}
