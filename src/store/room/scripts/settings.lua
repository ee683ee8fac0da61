-- What the organiser or the sale has changed, unless something newer is known. ARGV: now, channel, series, row as JSON.
-- Returns the next time to decide.
local room = read_room()
if not room then return NOROOM end
local row, changed = cjson.decode(ARGV[4]), false

local function set(name, value)
    if value == cjson.null then value = nil end
    if room[name] == value then return end
    changed, room[name] = true, value
    if value then redis.call('HSET', ROOM, name, value) else redis.call('HDEL', ROOM, name) end
end

if row.settings >= room.settings then
    local timeout = room.timeout
    for _, name in ipairs({ 'max_active', 'admit_per_interval', 'interval', 'timeout', 'session', 'paused' }) do
        set(name, row[name])
    end
    if timeout ~= room.timeout then
        for _, token in ipairs(redis.call('HKEYS', SESSIONS)) do file_session(room, token, session(token)) end
        room.decided = 0
        redis.call('HSET', ROOM, 'decided', 0)
    end
    room.settings = row.settings
end
if row.version >= room.version then
    set('sold_out', row.sold_out)
    room.version = row.version
end
redis.call('HSET', ROOM, 'settings', room.settings, 'version', room.version)
if changed then tell(ARGV[2], ARGV[3], true, {}) end
return next_wake(room)
