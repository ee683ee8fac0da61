-- What is to be seen of places. ARGV: now, tokens. Returns first what is the same for all of them (now, timeout, end of
-- the sale, waiting, admitted, admissions of the last minute and when the first of them was, whether drawn), then for
-- each place
--   0                                        no live place
--   1, seq, lobby, heard, people ahead       WAITING
--   2, seq, lobby, heard, end, pinned until  ADMITTED
local room = read_room()
if not room then return NOROOM end
local minute = room.now - 60000
local first = redis.call('ZRANGEBYSCORE', ADMISSIONS, '(' .. minute, '+inf', 'LIMIT', 0, 1)[1]
local answer = { { room.now, room.timeout, room.closes_at, redis.call('ZCARD', SILENCES), redis.call('HLEN', SESSIONS),
    admitted_since(room, minute), (split_admission(first or '0:0')), room.drawn } }

local function look(token)
    local it = place(token)
    if not it then return { 0 } end
    local lobby = it.lobby and 1 or 0
    local waits = redis.call('ZSCORE', SILENCES, token)
    if waits then
        local heard, ahead = math.max(tonumber(waits), room.floor), redis.call('ZRANK', LINE, (member(token, it)))
        return { 1, it.seq, lobby, heard, ahead }
    end
    local open = session(token)
    return { 2, it.seq, lobby, math.max(open.heard, room.floor), open.ends, open.pinned }
end

for i = 2, #ARGV do answer[i] = look(ARGV[i]) end
return answer
