-- Decides what is to be done now, for these commands: deadlines, the draw, joins and leaves, admissions. Nothing that
-- anyone can see changes: the events are kept as PENDING until they are journaled and `apply` takes them in.
-- ARGV: now, lease, grace (both in milliseconds), commands as JSON, the id of a new decision. Returns JSON.
local room = read_room()
if not room then return NOROOM end
local real, lease, grace = real_now(), tonumber(ARGV[2]), tonumber(ARGV[3])

-- All processes were away: everybody has a full heartbeat timeout from now on (rule 9).
if math.abs(real - room.tended) > grace then room.floor = room.now end
room.tended = real

local function remember()
    redis.call('HSET', ROOM, 'tended', real, 'floor', room.floor, 'last', room.now, 'decided', room.decided)
end

local function told(decision, rest)
    local form = '{"now":%.0f,"told":%.0f,"epoch":%.0f,"number":%.0f,"id":"%s","at":%.0f,"ends":%.0f,"events":%s,%s}'
    return string.format(form, room.now, room.told or 0, room.epoch, decision.number, decision.id, decision.at, decision.ends,
        decision.events, rest)
end

local pending = redis.call('HMGET', PENDING, 'number', 'at', 'ends', 'events', 'lease', 'id')
if pending[1] then
    remember()
    -- One that ends later than any can was given by another clock.
    local left = pending[5] - real
    if left > 0 and left <= lease then return string.format('{"busy":%.0f}', left) end
    -- Whoever took it on has not made it good in time: somebody else does.
    redis.call('HSET', PENDING, 'lease', real + lease)
    local decision = { number = pending[1], at = pending[2], ends = pending[3], events = pending[4], id = pending[6] }
    return told(decision, '"again":true,"outcomes":[],"over":[],"wake":0')
end

local now, commands = room.now, cjson.decode(ARGV[4])
local events, outcomes, over = {}, {}, {}
local ended, joined, owners, next_seq = {}, {}, {}, room.next_seq

local function silent()
    if is_closed(room) then return redis.call('ZRANGE', SILENCES, 0, MOST - 1) end
    local limit = now - room.timeout
    if room.floor > limit then return {} end
    return redis.call('ZRANGE', SILENCES, '-inf', limit, 'BYSCORE', 'LIMIT', 0, MOST)
end

local function sessions_over()
    for _, token in ipairs(redis.call('ZRANGE', DUE, '-inf', now, 'BYSCORE', 'LIMIT', 0, MOST)) do
        local it = session(token)
        if deadline(room, it) <= now then
            over[#over + 1] = token
        else
            file_session(room, token, it)
        end
    end
end

local function add_join(command, seq, lobby)
    next_seq = math.max(next_seq, seq + 1)
    joined[command.user], owners[command.token] = command.token, command.user
    events[#events + 1] = { e = 'joined', t = command.token, u = command.user, n = command.name, s = seq, l = lobby,
        k = lobby and command.key or nil }
    return 'joined:' .. command.token
end

local function decide_join(command)
    local standing = redis.call('HGET', USERS, command.user)
    if standing and not ended[standing] then return 'already:' .. standing end
    if joined[command.user] then return 'already:' .. joined[command.user] end
    if is_closed(room) then return 'closed' end
    if room.sold_out == 1 then return 'sold_out' end
    local known = redis.call('HEXISTS', PLACES, command.token) == 1
    if known or owners[command.token] then return 'unknown' end
    -- Who comes back with a token of ours has a number already.
    if command.seq then return add_join(command, command.seq, command.lobby) end
    return add_join(command, next_seq, room.drawn == 0 and now < room.opens_at)
end

local function decide_leave(token)
    local user = owners[token]
    if user then
        if joined[user] ~= token then return 'unknown' end
        joined[user] = nil
    else
        if ended[token] or redis.call('HEXISTS', PLACES, token) == 0 then return 'unknown' end
        if redis.call('HEXISTS', SESSIONS, token) == 1 then return 'admitted' end
        ended[token] = true
    end
    events[#events + 1] = { e = 'left', t = token }
    return 'left'
end

local function admit()
    if not is_admitting(room) then return end
    local budget = MOST
    if room.max_active then budget = math.min(budget, room.max_active - redis.call('HLEN', SESSIONS)) end
    if room.admit_per_interval then
        budget = math.min(budget, room.admit_per_interval - admitted_since(room, now - room.interval))
    end
    local from = 0
    while budget > 0 do
        local some = redis.call('ZRANGE', LINE, from, from + budget - 1)
        if #some == 0 then return end
        from = from + #some
        for _, it in ipairs(some) do
            local token = string.sub(it, -36)
            if not ended[token] then
                events[#events + 1] = { e = 'admitted', t = token }
                budget = budget - 1
            end
        end
    end
end

room.decided = now
for _, token in ipairs(silent()) do
    ended[token] = true
    events[#events + 1] = { e = 'expired', t = token }
end
sessions_over()
if room.drawn == 0 and now >= room.opens_at then events[#events + 1] = { e = 'drawn' } end
for i, command in ipairs(commands) do
    outcomes[i] = command.user and decide_join(command) or decide_leave(command.token)
end
admit()
remember()

local decision = { number = room.decision + 1, at = now, ends = now + room.session, events = list(events), id = ARGV[5] }
if #events > 0 then
    redis.call('HSET', PENDING, 'number', decision.number, 'at', decision.at, 'ends', decision.ends, 'events',
        decision.events, 'lease', real + lease, 'id', decision.id)
end
return told(decision, string.format('"again":false,"outcomes":%s,"over":%s,"wake":%.0f', list(outcomes), list(over),
    next_wake(room)))
