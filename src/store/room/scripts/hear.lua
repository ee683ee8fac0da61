-- Signs of life. ARGV: now, whether the process vouches for them (1: a stream was open all the time, so nobody is too
-- late), tokens. Returns for each 1: the place lives on, 2: too late, to be decided, 0: no live place.
local room = read_room()
if not room then return NOROOM end
local vouched, answers = ARGV[2] == '1', {}

local function hear(token)
    local waiting = redis.call('ZSCORE', SILENCES, token)
    if waiting then
        local heard = tonumber(waiting)
        local late = math.max(heard, room.floor) + room.timeout <= room.now
        if is_closed(room) or (late and not vouched) then return 2 end
        if room.now > heard then redis.call('ZADD', SILENCES, room.now, token) end
        return 1
    end
    local it = session(token)
    if not it then return 0 end
    if deadline(room, it) <= room.now and not (vouched and room.now < math.max(it.ends, it.pinned)) then return 2 end
    it.heard = math.max(it.heard, room.now)
    file_session(room, token, it)
    return 1
end

for i = 3, #ARGV do answers[i - 2] = hear(ARGV[i]) end
return answers
