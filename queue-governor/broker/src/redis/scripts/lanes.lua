-- ARGV: nothing. Of each lane: name, entries, bytes, last, time of the oldest, groups.
local answer = {}
for _, name in ipairs(redis.call('SMEMBERS', lanes)) do
    local own = string.gsub(lanes, 'lanes$', '') .. '{' .. name .. '}:'
    local first = redis.call('XRANGE', own .. 'entries', '-', '+', 'COUNT', 1)[1]
    local told = {}
    local taken = redis.call('HGETALL', own .. 'groups')
    for n = 1, #taken, 2 do
        local pending = redis.call('XPENDING', own .. 'entries', taken[n])
        told[#told + 1] = { taken[n], tonumber(taken[n + 1]), pending[1] }
    end
    answer[#answer + 1] = {
        name,
        redis.call('XLEN', own .. 'entries'),
        tonumber(redis.call('HGET', own .. 'meta', 'bytes') or '0'),
        tonumber(redis.call('HGET', own .. 'meta', 'last') or '0'),
        first and tonumber(first[2][6]) or -1,
        told,
    }
end
return { 'ok', answer }
