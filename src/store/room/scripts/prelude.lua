-- What every script of a waiting room begins with. The scripts do what `domain::room` does, and a property test holds
-- them to it. Times are milliseconds since the epoch, by the clock of this server; ARGV[1] is the time instead where
-- a test says it. All keys of a room share one hash slot, by the series in braces.
--
-- ROOM        hash: the policy, the sale, and the counters
-- LINE        sorted set: who WAITS, in order; see `member`
-- PLACES      hash: token -> place; see `place`
-- USERS       hash: user -> token of the live place (rule 4)
-- SILENCES    sorted set: token of who WAITS -> when last heard from
-- SESSIONS    hash: token of who is ADMITTED -> session; see `session`
-- DUE         sorted set: token of who is ADMITTED -> when the place ends unless something happens
-- ADMISSIONS  sorted set: 'time:number of the last admission of that time' -> time
-- PENDING     hash: the decision that is being journaled; nothing else is decided meanwhile
local ROOM, LINE, PLACES, USERS, SILENCES, SESSIONS, DUE, ADMISSIONS, PENDING = unpack(KEYS)

-- One decision ends, admits or names at most so many: nobody else is served while a script runs.
local MOST = 1000

-- The longest interval that a policy may have: admissions are remembered so long.
local MEMORY = 3600000

local NOROOM = redis.error_reply('NOROOM the waiting room has to be rebuilt from its journal')

local function real_now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The room with the time as `now`, which never goes back; nil unless the room is whole.
local function read_room()
    local flat, room = redis.call('HGETALL', ROOM), {}
    for i = 1, #flat, 2 do room[flat[i]] = tonumber(flat[i + 1]) or flat[i + 1] end
    if room.state ~= 'ready' then return nil end
    room.now = math.max(tonumber(ARGV[1]) or real_now(), room.last)
    return room
end

local function is_closed(room) return room.now >= room.closes_at end

-- Whether anybody may be admitted at all, limits aside.
local function is_admitting(room)
    local open = room.now >= room.opens_at and not is_closed(room)
    return open and room.drawn == 1 and room.paused == 0 and room.sold_out == 0
end

-- A live place: the number of its join, whether the draw orders it and by which key, whose it is.
local function place(token)
    local text = redis.call('HGET', PLACES, token)
    if not text then return nil end
    local seq, lobby, key, user = string.match(text, '^(%d+):([01]):(%x*):(.*)$')
    return { seq = tonumber(seq), lobby = lobby == '1', key = key, user = user }
end

-- What stands in LINE for a place, and its score: the lobby first, by the draw's keys, which sort as text among equal
-- scores; then the others as they joined. So the draw itself is one flag (rule 5).
local function member(token, it)
    if it.lobby then return it.key .. token, 0 end
    return token, it.seq + 1
end

-- A session: when it ends, until when a hold pins it (0: none does), and when its owner was last heard from.
local function session(token)
    local text = redis.call('HGET', SESSIONS, token)
    if not text then return nil end
    local ends, pinned, heard = string.match(text, '^(%d+):(%d+):(%d+)$')
    return { ends = tonumber(ends), pinned = tonumber(pinned), heard = tonumber(heard) }
end

-- Nobody counts as silent since before `floor`: that is when the processes came back after all were away.
local function deadline(room, it)
    return math.max(math.min(it.ends, math.max(it.heard, room.floor) + room.timeout), it.pinned)
end

local function file_session(room, token, it)
    redis.call('HSET', SESSIONS, token, string.format('%.0f:%.0f:%.0f', it.ends, it.pinned, it.heard))
    redis.call('ZADD', DUE, deadline(room, it), token)
end

-- Takes a live place out, whatever it is.
local function remove(token)
    local it = place(token)
    if not it then return end
    redis.call('HDEL', PLACES, token)
    redis.call('HDEL', USERS, it.user)
    redis.call('ZREM', LINE, (member(token, it)))
    redis.call('ZREM', SILENCES, token)
    redis.call('HDEL', SESSIONS, token)
    redis.call('ZREM', DUE, token)
end

local function split_admission(text)
    local at, number = string.match(text, '^(%d+):(%d+)$')
    return tonumber(at), tonumber(number)
end

-- Admissions after `time`: half open, so that one at exactly `time` is not counted.
local function admitted_since(room, time)
    local last = redis.call('ZREVRANGEBYSCORE', ADMISSIONS, time, '-inf', 'LIMIT', 0, 1)[1]
    local _, number = split_admission(last or '0:0')
    return room.admissions - number
end

-- When the interval's limit next lets one in, if that is what stands in the way: when the admission that is one too
-- many has left the interval. Numbers grow with the rank, so it is found by halving.
local function paced_until(room)
    if not room.admit_per_interval then return nil end
    local surplus = admitted_since(room, room.now - room.interval) - room.admit_per_interval
    if surplus < 0 then return nil end
    local wanted = room.admissions - room.admit_per_interval + 1
    local low, high = redis.call('ZCOUNT', ADMISSIONS, '-inf', room.now - room.interval), redis.call('ZCARD', ADMISSIONS)
    local found = nil
    while low < high do
        local middle = math.floor((low + high) / 2)
        local at, number = split_admission(redis.call('ZRANGE', ADMISSIONS, middle, middle)[1])
        if number >= wanted then found, high = at, middle else low = middle + 1 end
    end
    return found and found + room.interval
end

-- The earliest time at which there could be something to decide; 0 for never.
local function next_wake(room)
    local soonest = 0
    local function at(time)
        time = tonumber(time)
        if time and (soonest == 0 or time < soonest) then soonest = time end
    end
    local waiting = redis.call('ZCARD', SILENCES)
    if waiting > 0 then
        local first = redis.call('ZRANGE', SILENCES, 0, 0, 'WITHSCORES')
        at(math.max(tonumber(first[2]), room.floor) + room.timeout)
        at(room.closes_at)
    end
    at(redis.call('ZRANGE', DUE, '(' .. room.decided, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2])
    if room.drawn == 0 or room.now < room.opens_at then at(room.opens_at) end
    local slots = not room.max_active or redis.call('HLEN', SESSIONS) < room.max_active
    if waiting > 0 and slots and is_admitting(room) then at(paced_until(room) or room.now) end
    return soonest
end

-- cjson writes an empty list as an object.
local function list(values)
    if #values == 0 then return '[]' end
    return cjson.encode(values)
end

-- Tells every process which places have changed, or that it concerns everybody. The number grows by one each time.
local function tell(channel, series, everybody, tokens)
    local number = redis.call('HINCRBY', ROOM, 'told', 1)
    redis.call('PUBLISH', channel, string.format('{"series":"%s","number":%.0f,"everybody":%s,"tokens":%s}', series,
        number, tostring(everybody), list(tokens)))
end

-- A room that nobody needs any more goes by itself; it can be rebuilt.
local function outlive(room)
    local gone = math.max(room.closes_at, real_now()) + 86400000
    for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, gone) end
end
