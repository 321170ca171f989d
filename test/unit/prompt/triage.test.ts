import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Chalk } from 'chalk';
import stringWidth from 'string-width';
import type { Message } from '../../../src/lib/message/message.ts';
import { draw, listRows } from '../../../src/lib/prompt/triage/draw.ts';
import { messageLines } from '../../../src/lib/prompt/triage/message-lines.ts';
import {
  currentLetter,
  markCounts,
  selected,
  startTriage,
  type Letter,
  type Mark,
  type Triage,
} from '../../../src/lib/prompt/triage/model.ts';
import { press, refused, summarised } from '../../../src/lib/prompt/triage/press.ts';
import { emptyMessage } from '../message/message-samples.ts';

const hostile = 'no \u001b[31mred\u001b]0;title\u0007 \u009b2J \u202eback\r\nsecond';

function letter(at: number, cause: string, more: Partial<Letter> = {}): Letter {
  const name = `0:${at.toString()}`;
  const preview = `{"order":${at.toString()}}`;
  return {
    ...{ name, cause, at: Date.UTC(2026, 10, 20), key: `k${at.toString()}`, words: 'it failed', preview },
    ...{ bytes: 11, redrives: 0, duplicate: false },
    ...more,
  };
}

/** Two time-outs around three of bad JSON and one that says strange things. */
function shop(letters?: readonly Letter[]): Triage {
  return startTriage({
    title: 'orders.dlq at local:shop.db',
    letters: letters ?? [
      letter(0, 'slow'),
      letter(1, 'bad'),
      letter(2, 'bad', { key: '注文 😀' }),
      letter(3, 'bad'),
      letter(4, 'odd', { words: hostile, key: hostile, preview: hostile }),
      letter(5, 'slow'),
    ],
    causes: [
      {
        id: 'slow',
        title: 'SocketTimeoutException: timed out',
        facts: [['class', 'SocketTimeoutException']],
      },
      { id: 'bad', title: 'JsonParseException: 価格が無効です 😀👨‍👩‍👧', facts: [] },
      { id: 'odd', title: hostile, facts: [['message', hostile]] },
    ],
    actions: ['redrive', 'quarantine', 'skip'],
    notice: null,
  });
}

const named = new Set([
  'up',
  'down',
  'return',
  'escape',
  'left',
  'right',
  'tab',
  'backspace',
  'pagedown',
  'home',
]);

/** Presses `down`, `return`…, or types each letter of anything else. */
function after(triage: Triage, ...keys: readonly string[]): Triage {
  const context = {
    page: 5,
    refuseEdit: (text: string) => (text.includes('=') ? null : 'this has no path and value'),
  };
  let state = triage;
  for (const key of keys) {
    if (named.has(key)) state = press(state, { name: key, text: '' }, context);
    else for (const text of key) state = press(state, { name: text, text }, context);
  }
  return state;
}

const marksOf = (triage: Triage): (readonly [number, Mark['action']])[] =>
  [...triage.marks].map(([at, { action }]) => [at, action] as const).sort(([one], [other]) => one - other);

describe('what keys do on the triage screen', () => {
  test('causes come the largest first, and Enter goes into their messages and back', () => {
    const start = shop();
    assert.deepEqual(
      start.rows.map(({ cause, members }) => [cause.id, members.length]),
      [
        ['bad', 3],
        ['slow', 2],
        ['odd', 1],
      ],
    );
    assert.equal(currentLetter(after(start, 'down', 'return', 'down')), 5);
    assert.equal(after(start, 'return', 'return').mode.kind, 'view');
    assert.equal(after(start, 'return', 'escape').letterAt, null);
  });

  test('the cursor stays within the list', () => {
    assert.equal(after(shop(), 'up', 'pagedown', 'down').rowAt, 2);
    assert.equal(after(shop(), 'G', 'g').rowAt, 0);
    assert.equal(after(shop(), 'return', 'pagedown').letterAt, 2);
  });

  test('an action on a cause is for all its messages, a second time takes it back, on a message for that one', () => {
    assert.deepEqual(marksOf(after(shop(), 'r')), [
      [1, 'redrive'],
      [2, 'redrive'],
      [3, 'redrive'],
    ]);
    assert.deepEqual(marksOf(after(shop(), 'r', 'r')), []);
    const mixed = after(shop(), 'r', 'return', 'down', 'x', 'down', 's');
    assert.deepEqual(marksOf(mixed), [
      [1, 'redrive'],
      [2, 'quarantine'],
      [3, 'skip'],
    ]);
    assert.deepEqual([...markCounts(mixed)].sort(), [
      ['quarantine', 1],
      ['redrive', 1],
      ['skip', 1],
    ]);
    assert.deepEqual(marksOf(after(mixed, 'u')), [
      [1, 'redrive'],
      [2, 'quarantine'],
    ]);
  });

  test('what this system has not got is said, and marks nothing', () => {
    const state = after(shop(), 'a');
    assert.equal(state.marks.size, 0);
    assert.match(state.notice ?? '', /archive/);
  });

  test('the filter narrows causes and messages as it is typed, and an action is only for what it shows', () => {
    const narrowed = after(shop(), '/k1');
    assert.deepEqual(
      narrowed.rows.map(({ members }) => members),
      [[1]],
    );
    assert.deepEqual(marksOf(after(narrowed, 'return', 'r')), [[1, 'redrive']]);
    assert.equal(after(narrowed, 'return', 'escape').filter, '', 'Escape on the causes takes it away');
    assert.equal(after(narrowed, 'escape').rows.length, 3);
    assert.deepEqual(after(shop(), '/注文 😀').rows[0]?.members, [2]);
    assert.equal(after(shop(), '/注文 😀', 'backspace', 'backspace').filter, '注文');
    const nothing = after(shop(), '/nowhere', 'return');
    assert.deepEqual([selected(nothing), after(nothing, 'return', 'r', 'v', 'e').marks.size], [[], 0]);
  });

  test('an edit is a redrive with it; what is none is refused with the reason and can be mended', () => {
    const state = after(shop(), 'return', 'e', 'value.total', 'return');
    assert.deepEqual([state.mode.kind, state.notice], ['input', 'this has no path and value']);
    const mended = after(state, '=7', 'return', 'e', 'key=k', 'return');
    assert.deepEqual(mended.marks.get(1), {
      action: 'redrive',
      edits: ['value.total=7', 'key=k'],
      note: null,
    });
    assert.deepEqual(after(mended, 'x').marks.get(1)?.edits, [], 'put aside as it is');
  });

  test('a note stays with the message whatever else is decided, and alone decides nothing', () => {
    const noted = after(shop(), 'return', 'n', 'asked Ann', 'return');
    assert.deepEqual(noted.marks.get(1), { action: null, edits: [], note: 'asked Ann' });
    assert.equal(after(noted, 's').marks.get(1)?.note, 'asked Ann');
    assert.equal(after(noted, 'c').mode.kind, 'list');
  });

  test('nothing is planned before something is marked, nothing is done before the plan is confirmed', () => {
    assert.match(after(shop(), 'c').notice ?? '', /nothing is marked/);
    const planning = after(shop(), 'r', 'c');
    assert.equal(planning.mode.kind, 'planning');
    assert.equal(after(planning, 'y').mode.kind, 'planning', 'not before it is seen');
    const summary = summarised(planning, ['3 go to "orders"']);
    for (const key of ['return', 'n', 'q', 'escape', 'x'])
      assert.notEqual(after(summary, key).mode.kind, 'confirmed', key);
    assert.equal(after(summary, 'y').mode.kind, 'confirmed');
    const back = refused(planning, 'no channel "orders"');
    assert.deepEqual([back.mode.kind, back.notice, back.marks.size], ['list', 'no channel "orders"', 3]);
  });

  test('leaving asks only where marks would be forgotten', () => {
    assert.equal(after(shop(), 'q').mode.kind, 'left');
    assert.equal(after(shop(), 'r', 'q').mode.kind, 'leaving');
    assert.equal(after(shop(), 'r', 'q', 'return').mode.kind, 'list');
    assert.equal(after(shop(), 'r', 'q', 'y').mode.kind, 'left');
  });

  test('10,000 messages are marked by one key', () => {
    const many = shop(Array.from({ length: 10_000 }, (_, at) => letter(at, at % 3 === 0 ? 'slow' : 'bad')));
    assert.equal(after(many, 'r').marks.size, 6_666);
    assert.equal(after(many, '/k9999').rows[0]?.members.length, 1);
  });
});

const body: Message = {
  ...emptyMessage,
  value: Buffer.from(`{"order":1,"words":${JSON.stringify(hostile)},"name":"日本語😀"}`),
  key: Buffer.from(hostile),
  headers: [{ name: hostile, value: Buffer.from(hostile) }],
  deadLetter: {
    ...{ reason: hostile, class: hostile, message: hostile, attempts: 3, consumer: hostile, at: 0 },
    origin: { channel: hostile, partition: '0', offset: '1' },
  },
};

const states: Readonly<Record<string, Triage>> = {
  causes: after(shop(), 'r'),
  'the odd cause': after(shop(), 'down', 'down'),
  messages: after(shop(), 'return', 'down', 's'),
  'the odd message': after(shop(), 'G', 'return'),
  'the value': after(shop(), 'v'),
  'the headers': after(shop(), 'v', 'tab'),
  'what is decoded': after(shop(), 'v', 'tab', 'tab'),
  hex: after(shop(), 'v', 'tab', 'tab', 'tab'),
  help: after(shop(), '?'),
  'the filter': after(shop(), `/${'long '.repeat(40)}`),
  'the edit': after(shop(), 'e', 'value.name=日本語😀'),
  summary: summarised(after(shop(), 'r', 'c'), [
    hostile,
    ...Array.from({ length: 60 }, () => '注文 '.repeat(30)),
  ]),
  planning: after(shop(), 'r', 'c'),
  leaving: after(shop(), 'r', 'q'),
  'nothing found': after(shop(), '/nowhere', 'return'),
};

const plain = new Chalk({ level: 0 });
const bright = new Chalk({ level: 2 });

describe('what the triage screen shows', () => {
  for (const [columns, rows] of [
    [80, 24],
    [200, 50],
    [60, 20],
    [30, 10],
    [20, 5],
    [10, 2],
  ] as const)
    test(`at ${columns.toString()}×${rows.toString()} every state fits: no line too wide or too many, and nothing that a terminal obeys`, () => {
      for (const [name, state] of Object.entries(states)) {
        const lines = draw(state, body, { columns, rows, colour: plain });
        assert.ok(lines.length <= Math.max(rows, 1), name);
        for (const line of lines) {
          assert.ok(stringWidth(line) < columns, `${name}: ${line}`);
          assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/, name);
        }
        assert.notEqual(lines.at(-1), '', `${name}: the last line holds the cursor`);
      }
    });

  test('80 columns have room for two panes, all keys, and the marks without any colour', () => {
    const lines = draw(after(shop(), 'return', 'x'), body, { columns: 80, rows: 24, colour: plain });
    assert.match(lines[2] ?? '', /^>Q {2}0:1 {2}k1 .*│ id: 0:1$/);
    assert.match(lines.join('\n'), /to do: quarantine/);
    assert.match(lines.at(-1) ?? '', /\? help$/);
    const causes = draw(shop(), body, { columns: 80, rows: 24, colour: plain });
    assert.match(causes.at(-1) ?? '', /q quit$/);
    assert.match(causes[2] ?? '', /^> {3}3 {2}JsonParseException/);
    const mixed = draw(after(shop(), 'return', 'x', 'escape'), body, {
      columns: 80,
      rows: 24,
      colour: plain,
    });
    assert.match(mixed[2] ?? '', /^>\* /);
  });

  test('a narrow terminal has one pane', () => {
    const lines = draw(shop(), body, { columns: 40, rows: 24, colour: plain });
    assert.ok(lines.every((line) => !line.includes('│')));
  });

  test('colour changes no letter of it', () => {
    const screen = { columns: 80, rows: 24 };
    const coloured = draw(states['causes'] ?? shop(), body, { ...screen, colour: bright }).join('\n');
    assert.ok(coloured.includes('\u001b['));
    assert.equal(
      coloured.replace(/\u001b\[[0-9;]*m/g, ''),
      draw(states['causes'] ?? shop(), body, { ...screen, colour: plain }).join('\n'),
    );
  });

  test('the cursor is on the screen in a list of thousands', () => {
    const many = shop(Array.from({ length: 10_000 }, (_, at) => letter(at, 'bad')));
    const lines = draw(after(many, 'return', 'G'), null, { columns: 80, rows: 24, colour: plain });
    assert.equal(lines.filter((line) => line.startsWith('>')).length, 1);
    assert.match(lines.find((line) => line.startsWith('>')) ?? '', /0:9999/);
    assert.equal(listRows({ rows: 24 }), 20);
  });

  test('scrolling ends with the text', () => {
    const end = after(shop(), 'v', 'G');
    const lines = draw(end, body, { columns: 80, rows: 8, colour: plain });
    assert.match(lines[5] ?? '', /^}/);
  });
});

describe('a message on the triage screen', () => {
  const of = (value: Uint8Array | null): Message => ({ ...emptyMessage, value });

  test('is indented where it is JSON, and named where it is none', () => {
    assert.deepEqual(messageLines(of(Buffer.from('{"a":[1]}')), 'value', 40), [
      '{',
      '  "a": [',
      '    1',
      '  ]',
      '}',
    ]);
    const by = { id: '7', name: 'shop.Order', format: 'avro', framing: 'confluent' };
    const framed: Message = { ...of(Buffer.from([0, 0, 0, 0, 7, 2])), decoded: { value: { total: 1 }, by } };
    assert.deepEqual(messageLines(framed, 'value', 40), ['{', '  "total": 1', '}']);
    assert.deepEqual(messageLines(framed, 'decoded', 40), ['value.total = 1']);
    assert.ok(messageLines(framed, 'headers', 60).includes('schema: shop.Order, 7 by confluent'));
    assert.deepEqual(messageLines(of(null), 'value', 40), ['(tombstone: no value)']);
    assert.deepEqual(messageLines(of(Buffer.alloc(0)), 'hex', 40), ['(empty)']);
    assert.deepEqual(messageLines(of(Buffer.from([0xff, 0x41])), 'value', 40), ['\\xffA']);
    assert.deepEqual(messageLines(of(Buffer.from('no')), 'decoded', 40), ['(the value is no JSON)']);
  });

  test('decoded says each place as an edit names it', () => {
    assert.deepEqual(messageLines(of(Buffer.from('{"a":{"b":[true,null]},"c":{}}')), 'decoded', 40), [
      'value.a.b.0 = true',
      'value.a.b.1 = null',
      'value.c = {}',
    ]);
  });

  test('of 9 MiB is shown by its beginning', () => {
    const large = of(Buffer.alloc(9 * 1024 * 1024, 'x'));
    for (const format of ['value', 'hex', 'decoded'] as const) {
      const lines = messageLines(large, format, 80);
      assert.ok(lines.length <= 2_001, format);
    }
  });
});
