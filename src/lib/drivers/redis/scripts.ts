/**
 * What has to happen in one step at the server, as Lua. `docs/systems/redis.md` names the commands that they use.
 *
 * While a slot of a cluster moves, a script that reaches for a key that is not there breaks off where it is. So none goes on with
 * a key that it has emptied: what removes the last of one is its last command.
 */
import type { Script } from './link.ts';

const clock = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** A day: what a killed process left is forgotten then, at the latest. */
const companionMs = 86_400_000;

const whoHolds = `local function holder(held, id)
  local text = redis.call('HGET', held, id)
  if not text then return nil end
  local till, owner = string.match(text, '^(%d+) (.*)$')
  if tonumber(till) <= now then return nil end
  return owner
end
`;

/** STREAM HELD | owner lease-ms from until count → [last id or nil, [entry…]]: those that nobody holds are held. */
export const claimNext: Script = {
  keys: 2,
  text: `${clock}${whoHolds}
local entries = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local taken, last = {}, false
for _, entry in ipairs(entries) do
  last = entry[1]
  if not holder(KEYS[2], entry[1]) then
    redis.call('HSET', KEYS[2], entry[1], string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[1])
    taken[#taken + 1] = entry
  end
end
if #taken > 0 then redis.call('PEXPIRE', KEYS[2], ${companionMs}) end
return {last, taken}`,
};

/** STREAM HELD | owner lease-ms id… → for each its entry, 0: it is not there, 1: another one holds it. */
export const claimThese: Script = {
  keys: 2,
  text: `${clock}${whoHolds}
local answers = {}
for i = 3, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if not entry then answers[#answers + 1] = 0
  elseif holder(KEYS[2], ARGV[i]) then answers[#answers + 1] = 1
  else
    redis.call('HSET', KEYS[2], ARGV[i], string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ${companionMs})
    answers[#answers + 1] = entry
  end
end
return answers`,
};

const ownedBy = `local function own(held, owner, first)
  local ids = {unpack(ARGV, first)}
  local mine, kept = {}, {}
  for i, text in ipairs(redis.call('HMGET', held, unpack(ids))) do
    mine[i] = text and string.match(text, '^%d+ (.*)$') == owner
    if mine[i] then kept[#kept + 1] = ids[i] end
  end
  return ids, mine, kept
end
`;

/** STREAM HELD | owner id… → 1 for each that was removed, else 0. What nobody took after a lease ran out is still ours. */
export const settleHeld: Script = {
  keys: 2,
  text: `${ownedBy}
local ids, mine, kept = own(KEYS[2], ARGV[1], 2)
local answers = {}
for i, id in ipairs(ids) do answers[i] = mine[i] and redis.call('XDEL', KEYS[1], id) or 0 end
if #kept > 0 then redis.call('HDEL', KEYS[2], unpack(kept)) end
return answers`,
};

/** STREAM HELD | owner id… → how many were given back. */
export const releaseHeld: Script = {
  keys: 2,
  text: `${ownedBy}
local _, _, kept = own(KEYS[2], ARGV[1], 2)
if #kept == 0 then return 0 end
return redis.call('HDEL', KEYS[2], unpack(kept))`,
};

/** STREAM HELD | owner lease-ms id… → how many are held for longer. */
export const extendHeld: Script = {
  keys: 2,
  text: `${clock}${ownedBy}
local _, _, kept = own(KEYS[2], ARGV[1], 3)
for _, id in ipairs(kept) do
  redis.call('HSET', KEYS[2], id, string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[1])
end
if #kept > 0 then redis.call('PEXPIRE', KEYS[2], ${companionMs}) end
return #kept`,
};

const isOurs = `local function ours(stream, group, consumer, id)
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  return pending and pending[2] == consumer
end
`;

/** STREAM | group consumer id… → 1 for each that was still this consumer's and is acknowledged, else 0. */
export const acknowledge: Script = {
  keys: 1,
  text: `${isOurs}
local answers = {}
for i = 3, #ARGV do
  local done = 0
  if ours(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then done = redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) end
  answers[#answers + 1] = done
end
return answers`,
};

/** STREAM | group consumer idle-ms id… : those that are still this consumer's count as idle for so long, no longer. */
export const setIdle: Script = {
  keys: 1,
  text: `${isOurs}
for i = 4, #ARGV do
  if ours(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'JUSTID')
  end
end
return 1`,
};

/**
 * STREAM | group consumer parking idle-ms leave fresh-count fresh-id… other-id…: gives entries back. Where what was given
 * last is among the fresh ones (given for the first time), the group's position goes back before them, as if they had never
 * been given; all others stay pending, idle, with a consumer that is no process. `leave` 1: the consumer is deleted, too.
 */
export const giveBack: Script = {
  keys: 1,
  text: `${isOurs}
local stream, group, consumer, parking = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local fresh, back = {}, {}
local first, last
for i = 7, #ARGV do
  if ours(stream, group, consumer, ARGV[i]) then
    back[#back + 1] = ARGV[i]
    if i < 7 + tonumber(ARGV[6]) then
      fresh[ARGV[i]] = true
      first = first or ARGV[i]
      last = ARGV[i]
    end
  end
end
local delivered, read
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local name
  for j = 1, #info, 2 do if info[j] == 'name' then name = info[j + 1] end end
  if name == group then
    for j = 1, #info, 2 do
      if info[j] == 'last-delivered-id' then delivered = info[j + 1] end
      if info[j] == 'entries-read' then read = info[j + 1] end
    end
  end
end
if last and delivered == last then
  local undone = {}
  for _, entry in ipairs(redis.call('XREVRANGE', stream, last, first, 'COUNT', ARGV[6])) do
    if not fresh[entry[1]] then break end
    undone[#undone + 1] = entry[1]
  end
  if #undone > 0 and undone[1] == last then
    local before = redis.call('XREVRANGE', stream, '(' .. undone[#undone], '-', 'COUNT', 1)[1]
    local position = before and before[1] or '0-0'
    if read then redis.call('XGROUP', 'SETID', stream, group, position, 'ENTRIESREAD', read - #undone)
    else redis.call('XGROUP', 'SETID', stream, group, position) end
    for _, id in ipairs(undone) do redis.call('XACK', stream, group, id) end
  end
end
for _, id in ipairs(back) do
  if ours(stream, group, consumer, id) then
    redis.call('XCLAIM', stream, group, parking, 0, id, 'IDLE', ARGV[4], 'JUSTID')
  end
end
if ARGV[5] == '1' and #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
end
if #redis.call('XPENDING', stream, group, '-', '+', 1, parking) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, parking)
end
return #back`,
};

/** STREAM | group consumer leave [id owner idle-ms deliveries]…: pending entries are again whose they were. */
export const restorePending: Script = {
  keys: 1,
  text: `${isOurs}
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
for i = 4, #ARGV, 4 do
  if ours(stream, group, consumer, ARGV[i]) then
    redis.call('XCLAIM', stream, group, ARGV[i + 1], 0, ARGV[i], 'IDLE', ARGV[i + 2], 'RETRYCOUNT', ARGV[i + 3], 'JUSTID')
  end
end
if ARGV[3] == '1' and #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
end
return 1`,
};

/** STREAM | → 1: it was made, without entries; 0: the key is there. */
export const createStream: Script = {
  keys: 1,
  text: `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XGROUP', 'CREATE', KEYS[1], 'mqctl', '$', 'MKSTREAM')
redis.call('XGROUP', 'DESTROY', KEYS[1], 'mqctl')
return 1`,
};

/** KEY | token ms holder take-over → 1: held now, else who holds it. `take-over` 1 ends another one's. */
export const takeLease: Script = {
  keys: 1,
  text: `local text = redis.call('GET', KEYS[1])
if text and ARGV[4] ~= '1' then return text end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[3], 'PX', ARGV[2])
return 1`,
};

/** KEY | token ms → 1: it is still ours, for so long; 0: it is another one's. 0 ms ends it. */
export const keepLease: Script = {
  keys: 1,
  text: `local text = redis.call('GET', KEYS[1])
if not text or string.sub(text, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`,
};
