-- ARGV: lane, lanes_max, lane_entries_max, lane_bytes_max, keys_max, now_ms, then keys and bodies.
local entries_max, bytes_max = tonumber(ARGV[3]), tonumber(ARGV[4])
if not exists() and redis.call('SCARD', lanes) >= tonumber(ARGV[2]) then
    return { 'too many lanes', {} }
end
local last, count, more, fresh, answer = number('last'), 0, 0, {}, {}
for n = 7, #ARGV, 2 do
    local key = ARGV[n]
    local at = redis.call('HGET', known, key) or fresh[key]
    answer[#answer + 1] = tonumber(at or last + 1)
    answer[#answer + 1] = at and 1 or 0
    if not at then
        last, count, more = last + 1, count + 1, more + #key + #ARGV[n + 1]
        fresh[key] = last
    end
end
if count == 0 then
    return { 'ok', answer }
end

local function exceeded(entries, bytes)
    return entries + count > entries_max or bytes + more > bytes_max
end
local entries, bytes = redis.call('XLEN', stream), number('bytes')
if exceeded(entries, bytes) then
    local dropped, upto
    dropped, upto, bytes = count_while(settled() or 0, function(_, left, size)
        return exceeded(left, size)
    end)
    entries = entries - dropped
    if entries + count > entries_max then
        return { 'full', {} }
    elseif bytes + more > bytes_max then
        return { 'bytes full', {} }
    end
    drop(upto, bytes)
end

for n = 7, #ARGV, 2 do
    local at = answer[n - 6]
    if answer[n - 5] == 0 then
        redis.call('XADD', stream, at .. '-0', 'k', ARGV[n], 'b', ARGV[n + 1], 't', ARGV[6])
        redis.call('HSET', known, ARGV[n], at)
        redis.call('RPUSH', order, ARGV[n])
    end
end
while redis.call('LLEN', order) > tonumber(ARGV[5]) do
    redis.call('HDEL', known, redis.call('LPOP', order))
end
redis.call('HSET', meta, 'last', last, 'bytes', bytes + more)
redis.call('SADD', lanes, lane)
return { 'ok', answer }
