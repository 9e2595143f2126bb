-- ARGV: lane, group, consumer, now_ms, max.
local group, consumer, max = ARGV[2], 'c:' .. ARGV[3], tonumber(ARGV[5])
local refused = refusal(group)
if refused then
    return refused
end
if max == 0 then
    return { 'ok', {} }
end
local taken = {}
for _, orphan in ipairs(redis.call('XPENDING', stream, group, '-', '+', max, NOBODY)) do
    local claimed =
        redis.call('XCLAIM', stream, group, consumer, 0, orphan[1], 'TIME', ARGV[4])
    taken[#taken + 1] = { orphan[1], claimed[1][2], orphan[4] + 1 }
end
if #taken < max then
    local news = redis.call(
        'XREADGROUP', 'GROUP', group, consumer, 'COUNT', max - #taken, 'STREAMS', stream, '>')
    for _, entry in ipairs(news and news[1][2] or {}) do
        -- Taken at the time that we were told, not at the server's.
        redis.call('XCLAIM', stream, group, consumer, 0, entry[1], 'TIME', ARGV[4], 'JUSTID')
        redis.call('HSET', groups, group, position(entry[1]))
        taken[#taken + 1] = { entry[1], entry[2], 1 }
    end
end
return { 'ok', taken }
