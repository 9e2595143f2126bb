-- ARGV: lane, group, consumer, and a time in ms: what was taken by then. One of the two is "".
local group = ARGV[2]
local refused = refusal(group)
if refused then
    return refused
end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- The server tells ages, not times, and rounds them.
local SLACK = 5
local count = 0
for _, held in ipairs(redis.call('XPENDING', stream, group, '-', '+', 1000000)) do
    local gone
    if ARGV[4] == '' then
        gone = held[2] == 'c:' .. ARGV[3]
    else
        gone = held[2] ~= NOBODY and now - held[3] <= tonumber(ARGV[4]) + SLACK
    end
    if gone then
        redis.call('XCLAIM', stream, group, NOBODY, 0, held[1], 'JUSTID')
        count = count + 1
    end
end
return { 'ok', { count } }
