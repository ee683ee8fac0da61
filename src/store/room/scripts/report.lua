-- What the sale did to admitted places. ARGV: now, channel, series, reports as JSON: {t} the place has ended, {t, p} a
-- hold keeps it open until p (0: none does any more) and its owner was heard from if h. Returns the next time to decide.
local room = read_room()
if not room then return NOROOM end
local told = {}

local function pin(report)
    local it = session(report.t)
    if not it then return end
    -- A sign of life that comes too late is none.
    if report.h and deadline(room, it) > room.now then it.heard = math.max(it.heard, room.now) end
    it.pinned = report.p
    file_session(room, report.t, it)
    -- A deadline that moved into the past has not been reported yet.
    room.decided = math.min(room.decided, deadline(room, it) - 1)
    redis.call('HSET', ROOM, 'decided', room.decided)
end

for _, report in ipairs(cjson.decode(ARGV[4])) do
    if report.p then pin(report) elseif session(report.t) then remove(report.t) end
    told[#told + 1] = report.t
end
tell(ARGV[2], ARGV[3], false, told)
return next_wake(room)
