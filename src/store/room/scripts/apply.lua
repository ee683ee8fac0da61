-- Takes in the pending decision, which is journaled now, and tells every process. ARGV: now, epoch, number, id,
-- channel, series. Returns the next time to decide, or -1 if it is not the one that is pending (any more).
local room = read_room()
if not room then return NOROOM end
if room.epoch ~= tonumber(ARGV[2]) then return -1 end
local pending = redis.call('HMGET', PENDING, 'number', 'at', 'ends', 'events', 'id')
if not pending[1] or tonumber(pending[1]) ~= tonumber(ARGV[3]) then return -1 end
-- A master that has not heard of a decision makes another one with the same number.
if pending[5] ~= ARGV[4] then return -1 end

local at, ends, told = tonumber(pending[2]), tonumber(pending[3]), {}
local count, drawn = 0, false

local function take_in_join(event)
    if redis.call('HEXISTS', PLACES, event.t) == 1 or redis.call('HEXISTS', USERS, event.u) == 1 then return end
    local it = { seq = event.s, lobby = event.l, key = event.k or '', user = event.u }
    local text = string.format('%.0f:%d:%s:', it.seq, it.lobby and 1 or 0, it.key) .. it.user
    redis.call('HSET', PLACES, event.t, text)
    redis.call('HSET', USERS, it.user, event.t)
    local who, score = member(event.t, it)
    redis.call('ZADD', LINE, score, who)
    redis.call('ZADD', SILENCES, at, event.t)
    room.next_seq = math.max(room.next_seq, it.seq + 1)
end

local function take_in_admission(token)
    local heard, it = redis.call('ZSCORE', SILENCES, token), place(token)
    if not heard or not it then return end
    redis.call('ZREM', SILENCES, token)
    redis.call('ZREM', LINE, (member(token, it)))
    file_session(room, token, { ends = ends, pinned = 0, heard = tonumber(heard) })
    count = count + 1
end

for _, event in ipairs(cjson.decode(pending[4])) do
    if event.e == 'joined' then
        take_in_join(event)
    elseif event.e == 'drawn' then
        room.drawn, drawn = 1, true
    else
        if event.e == 'admitted' then take_in_admission(event.t) else remove(event.t) end
        told[#told + 1] = event.t
    end
end

if count > 0 then
    room.admissions = room.admissions + count
    redis.call('ZREMRANGEBYSCORE', ADMISSIONS, at, at)
    redis.call('ZADD', ADMISSIONS, at, string.format('%.0f:%.0f', at, room.admissions))
    -- All that is too old but the last of it, which says how many there were before.
    local old = redis.call('ZCOUNT', ADMISSIONS, '-inf', at - MEMORY)
    if old > 1 then redis.call('ZREMRANGEBYRANK', ADMISSIONS, 0, old - 2) end
end
redis.call('DEL', PENDING)
redis.call('HSET', ROOM, 'decision', pending[1], 'decision_id', pending[5], 'drawn', room.drawn, 'next_seq', room.next_seq, 'admissions',
    room.admissions, 'last', room.now)
outlive(room)
tell(ARGV[5], ARGV[6], drawn, told)
return next_wake(room)
