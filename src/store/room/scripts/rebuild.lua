-- Builds the room anew, in steps: 'begin' claims it, 'hold' keeps the claim, 'places' and 'admissions' add some, 'end'
-- makes it whole. ARGV: now, step, load (names this rebuilding), what the step needs as JSON, channel, series. Returns 1,
-- or 0 if somebody else is at it.
local step, load = ARGV[2], ARGV[3]

-- How long whoever rebuilds it may take for one step before another one begins anew, in milliseconds.
local PATIENCE = 10000

if step == 'begin' then
    local known = redis.call('HMGET', ROOM, 'state', 'epoch', 'patience')
    -- 2: it is whole. One that is older than its journal is not.
    if known[1] == 'ready' and tonumber(known[2]) >= cjson.decode(ARGV[4]).epoch then return 2 end
    local left = known[1] == 'loading' and known[3] - real_now() or 0
    if left > 0 and left <= PATIENCE then return 0 end
    for _, key in ipairs(KEYS) do redis.call('UNLINK', key) end
    redis.call('HSET', ROOM, 'state', 'loading', 'load', load, 'patience', real_now() + PATIENCE)
    return 1
end

if redis.call('HGET', ROOM, 'load') ~= load then return 0 end
redis.call('HSET', ROOM, 'patience', real_now() + PATIENCE)
if step == 'hold' then return 1 end
local now = tonumber(ARGV[1]) or real_now()

if step == 'places' then
    -- Rows: token, seq, lobby, key, user, end of the session (0: WAITING), pinned until. Filed by `end` and `heard`
    -- only: the room has no policy yet.
    local places, users, line, silences = {}, {}, {}, {}
    local function put(list, one, other) list[#list + 1], list[#list + 2] = one, other end
    for _, row in ipairs(cjson.decode(ARGV[4])) do
        local it = { seq = row.s, lobby = row.l, key = row.k or '', user = row.u }
        put(places, row.t, string.format('%.0f:%d:%s:', it.seq, it.lobby and 1 or 0, it.key) .. it.user)
        put(users, it.user, row.t)
        if row.e == 0 then
            local who, score = member(row.t, it)
            put(line, score, who)
            put(silences, now, row.t)
        else
            file_session({ floor = 0, timeout = 0 }, row.t, { ends = row.e, pinned = row.p, heard = now })
        end
    end
    -- In one call each: a call costs more than what it does for one place.
    local function add(command, key, list)
        if #list > 0 then redis.call(command, key, unpack(list)) end
    end
    add('HSET', PLACES, places)
    add('HSET', USERS, users)
    add('ZADD', LINE, line)
    add('ZADD', SILENCES, silences)
    return 1
end

if step == 'admissions' then
    -- Pairs of a time and the number of the last admission of that time.
    for _, pair in ipairs(cjson.decode(ARGV[4])) do
        redis.call('ZADD', ADMISSIONS, pair[1], string.format('%.0f:%.0f', pair[1], pair[2]))
    end
    return 1
end

for name, value in pairs(cjson.decode(ARGV[4])) do
    if value ~= cjson.null then redis.call('HSET', ROOM, name, value) end
end
redis.call('HSET', ROOM, 'state', 'ready', 'last', now, 'decided', 0, 'floor', now, 'tended', real_now())
redis.call('HDEL', ROOM, 'load', 'patience')
local room = read_room()
for _, token in ipairs(redis.call('HKEYS', SESSIONS)) do file_session(room, token, session(token)) end
outlive(room)
tell(ARGV[5], ARGV[6], true, {})
return 1
