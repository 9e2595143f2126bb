-- What every script begins with. A script is atomic: nothing comes between its commands, and what
-- it refuses it refuses before it writes.
local lanes, stream, known, order, meta, groups =
    KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local lane = ARGV[1]
-- Holds what a consumer gave up. Consumers' own names begin with "c:".
local NOBODY = 'nobody'

local function number(field)
    return tonumber(redis.call('HGET', meta, field) or '0')
end

local function exists()
    return redis.call('SISMEMBER', lanes, lane) == 1
end

local function position(id)
    return tonumber(string.match(id, '^%d+'))
end

-- What is in the way of serving a group; nil: nothing.
local function refusal(group)
    if not exists() then
        return { 'no lane', {} }
    end
    if redis.call('HEXISTS', groups, group) == 0 then
        return { 'no group', {} }
    end
end

-- Up to where every group has acknowledged everything; nil without groups.
local function settled()
    local lowest
    local taken = redis.call('HGETALL', groups)
    for n = 1, #taken, 2 do
        local pending = redis.call('XPENDING', stream, taken[n])
        local upto = tonumber(taken[n + 1])
        if pending[1] > 0 then
            upto = position(pending[2]) - 1
        end
        if not lowest or upto < lowest then
            lowest = upto
        end
    end
    return lowest
end

-- How many of the oldest entries up to `upto` are unwanted: their number, the last of them, and
-- the bytes that are left without them.
local function count_while(upto, unwanted)
    local entries, bytes = redis.call('XLEN', stream), number('bytes')
    local count, last, from = 0, nil, '-'
    while true do
        local page = redis.call('XRANGE', stream, from, upto .. '-0', 'COUNT', 64)
        for _, entry in ipairs(page) do
            local fields = entry[2]
            if not unwanted(tonumber(fields[6]), entries - count, bytes) then
                return count, last, bytes
            end
            count, last = count + 1, position(entry[1])
            bytes = bytes - #fields[2] - #fields[4]
        end
        if #page < 64 then
            return count, last, bytes
        end
        from = '(' .. page[64][1]
    end
end

local function drop(last, bytes)
    if last then
        redis.call('XTRIM', stream, 'MINID', '=', (last + 1) .. '-0')
        redis.call('HSET', meta, 'bytes', bytes)
    end
end
