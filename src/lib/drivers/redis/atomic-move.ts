/**
 * Publishing and settling in one script: XADD to the destination and XDEL here, or XACK where the dead letters are what a
 * group did not acknowledge. Beside the stream stands what the last move moved, so that a crash is told from someone else's
 * XDEL.
 */
import { randomUUID } from 'node:crypto';
import { FailedError } from '../../errors.ts';
import type {
  AtomicMove,
  AtomicMoveRequest,
  MessageReference,
  MoveItem,
  Outcome,
  Recovered,
} from '../driver.ts';
import type { Exhausted } from './channel-name.ts';
import { companionKey } from './companion-key.ts';
import { fieldsOf } from './entry-codec.ts';
import type { Link, Script, Word } from './link.ts';
import { exhaustedOf } from './place.ts';
import { listOf, textOf } from './reply.ts';
import { requireStream } from './streams.ts';

/** What a killed run left is forgotten after this: 30 days. */
const rememberedMs = 30 * 24 * 3_600_000;
/** So many words fit into one XADD of a script: Lua's stack holds 8,000. */
const mostWords = 7_000;
/** So many bytes go into one script, which stops the server for that long. */
const bytesPerScript = 4 * 1024 * 1024;

/** RECORD | token ms: from now on only this run moves. */
const begin: Script = {
  keys: 1,
  text: `redis.call('HSET', KEYS[1], 'token', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`,
};

/**
 * SOURCE RECORD DESTINATION | token group min-idle first [id count name value…]… → for each: the new id, or '' (gone), or
 * '!' (held by another one). `group` is empty for entries of the stream itself. `first` 1: what was moved before is forgotten.
 * The new entry is added before the old one goes: should the script break off between them, nothing is lost.
 */
const move: Script = {
  keys: 3,
  text: `local source, record, destination = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', record, 'token') ~= ARGV[1] then return redis.error_reply('FENCED') end
if redis.call('TYPE', destination).ok ~= 'stream' then return redis.error_reply('NODESTINATION') end
local group, idle = ARGV[2], tonumber(ARGV[3])
local answers = {}
if ARGV[4] == '1' then
  for _, field in ipairs(redis.call('HKEYS', record)) do
    if field ~= 'token' then redis.call('HDEL', record, field) end
  end
end
local i = 5
while i <= #ARGV do
  local id, count = ARGV[i], tonumber(ARGV[i + 1])
  local answer
  local there = #redis.call('XRANGE', source, id, id) > 0
  if there and group ~= '' then
    local pending = redis.call('XPENDING', source, group, id, id, 1)[1]
    there = pending ~= nil
    if pending and pending[3] < idle then answer = '!' end
  end
  if not there then answer = ''
  elseif not answer then
    answer = redis.call('XADD', destination, '*', unpack(ARGV, i + 2, i + 1 + count))
    if group ~= '' then redis.call('XACK', source, group, id) else redis.call('XDEL', source, id) end
    redis.call('HSET', record, id, answer)
  end
  answers[#answers + 1] = answer
  i = i + 2 + count
end
return answers`,
};

/** SOURCE RECORD | token group id… → for each: 'moved', 'not-moved' or 'gone'. */
const recover: Script = {
  keys: 2,
  text: `if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return redis.error_reply('FENCED') end
local answers = {}
for i = 3, #ARGV do
  local there
  if ARGV[2] ~= '' then there = #redis.call('XPENDING', KEYS[1], ARGV[2], ARGV[i], ARGV[i], 1) > 0
  else there = #redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i]) > 0 end
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then answers[#answers + 1] = 'moved'
  elseif there then answers[#answers + 1] = 'not-moved'
  else answers[#answers + 1] = 'gone' end
end
return answers`,
};

/** RECORD | token forget: this run moves no more. `forget` 1: what it moved is written down elsewhere. */
const finish: Script = {
  keys: 1,
  text: `if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then redis.call('DEL', KEYS[1]) else redis.call('HDEL', KEYS[1], 'token') end
return 1`,
};

/** null: these two lie in different slots of a cluster, or a name cannot be put into one. */
export async function openMove(
  link: Link,
  { source, channel, name }: AtomicMoveRequest,
  signal: AbortSignal,
): Promise<AtomicMove | null> {
  const exhausted = await exhaustedOf(link, source, signal);
  const stream = exhausted?.stream ?? source;
  await requireStream(link, stream, signal);
  await requireStream(link, channel, signal);
  const record = companionKey(stream, 'moved', `${name}\0${source}\0${channel}`);
  if (record === null || !(await inOneSlot(link, [stream, channel, record], signal))) return null;
  const token = randomUUID();
  await link.run(begin, [record, token, String(rememberedMs)], signal);
  return new RedisMove(link, { stream, exhausted, destination: channel, record, token });
}

/** Whether all of these lie in the source's slot. */
export async function movesAtomically(
  link: Link,
  source: string,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await link.isCluster(signal))) return true;
  const stream = (await exhaustedOf(link, source, signal))?.stream ?? source;
  const record = companionKey(stream, 'moved');
  return record !== null && inOneSlot(link, [stream, record, ...channels], signal);
}

async function inOneSlot(link: Link, keys: readonly string[], signal: AbortSignal): Promise<boolean> {
  if (!(await link.isCluster(signal))) return true;
  const slots = await Promise.all(keys.map((key) => link.askAny(['CLUSTER', 'KEYSLOT', key], signal)));
  return new Set(slots.map(textOf)).size === 1;
}

interface Way {
  readonly stream: string;
  readonly exhausted: Exhausted | null;
  readonly destination: string;
  readonly record: string;
  readonly token: string;
}

class RedisMove implements AtomicMove {
  readonly #link: Link;
  readonly #way: Way;
  #moved = false;

  constructor(link: Link, way: Way) {
    this.#link = link;
    this.#way = way;
  }

  async move(items: readonly MoveItem[], signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted();
    const { stream, destination, record, token, exhausted } = this.#way;
    const outcomes: Outcome[] = [];
    const head = [stream, record, destination, token, exhausted?.group ?? ''];
    const { names, minIdleMs } = this.#link.address;
    let first = true;
    this.#moved = true;
    for (const part of inParts(items, (item) => fieldsOf(item.outgoing, names))) {
      const fit = part.filter(({ fields }) => fields.length <= mostWords);
      const words: Word[] = fit.flatMap(({ item, fields }) => [
        item.source.id ?? '',
        String(fields.length),
        ...fields,
      ]);
      const answers = await this.#run(move, [...head, String(minIdleMs), first ? '1' : '0', ...words]);
      first = false;
      const answered = listOf(answers).values();
      for (const { fields } of part)
        outcomes.push(
          fields.length > mostWords
            ? {
                status: 'rejected',
                reason: `its ${String(fields.length / 2)} fields are too many`,
                retriable: false,
              }
            : this.#outcome(textOf(answered.next().value)),
        );
    }
    return outcomes;
  }

  async recover(sources: readonly MessageReference[], signal: AbortSignal): Promise<readonly Recovered[]> {
    const { stream, record, token, exhausted } = this.#way;
    const found: Recovered[] = [];
    for (let start = 0; start < sources.length; start += 500) {
      signal.throwIfAborted();
      const ids = sources.slice(start, start + 500).map(({ id, offset }) => id ?? offset ?? '');
      const answers = await this.#run(recover, [stream, record, token, exhausted?.group ?? '', ...ids]);
      for (const answer of listOf(answers).map(textOf))
        found.push(answer === 'moved' || answer === 'not-moved' ? answer : 'gone');
    }
    return found;
  }

  async close(): Promise<void> {
    // One that moved nothing leaves what the run before it moved: somebody may still ask.
    await this.#link.run(finish, [this.#way.record, this.#way.token, this.#moved ? '1' : '0'], null);
  }

  #outcome(answer: string): Outcome {
    const { stream } = this.#way;
    if (answer === '')
      return { status: 'rejected', reason: `it is no longer in "${stream}"`, retriable: false };
    if (answer === '!')
      return { status: 'rejected', reason: 'a consumer touched it just now', retriable: false };
    return { status: 'accepted', partition: null, offset: answer, id: answer };
  }

  async #run(script: Script, words: readonly Word[]) {
    const { stream, destination } = this.#way;
    try {
      return await this.#link.run(script, words, null);
    } catch (error) {
      if (error instanceof FailedError && /FENCED/.test(error.message))
        throw new FailedError(`another run has taken over moving "${stream}" to "${destination}"`, {
          code: 'FENCED',
          hint: 'nothing of this batch was moved; see "mqctl jobs ls"',
        });
      if (error instanceof FailedError && /NODESTINATION/.test(error.message))
        throw new FailedError(`"${destination}" is no stream any more: nothing was moved`);
      throw error;
    }
  }
}

interface Sized {
  readonly item: MoveItem;
  readonly fields: readonly Buffer[];
}

function* inParts(
  items: readonly MoveItem[],
  fieldsFor: (item: MoveItem) => readonly Buffer[],
): Generator<readonly Sized[]> {
  let part: Sized[] = [];
  let bytes = 0;
  for (const item of items) {
    const fields = fieldsFor(item);
    part.push({ item, fields });
    bytes += fields.reduce((sum, { length }) => sum + length, 0);
    if (bytes < bytesPerScript) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
