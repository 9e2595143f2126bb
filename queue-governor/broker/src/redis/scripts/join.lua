-- ARGV: lane, lanes_max, groups_max, group, from.
if not exists() and redis.call('SCARD', lanes) >= tonumber(ARGV[2]) then
    return { 'too many lanes', {} }
end
redis.call('SADD', lanes, lane)
if redis.call('HEXISTS', groups, ARGV[4]) == 1 then
    return { 'ok', {} }
end
if redis.call('HLEN', groups) >= tonumber(ARGV[3]) then
    return { 'too many groups', {} }
end
local taken = math.min(tonumber(ARGV[5]), number('last'))
redis.call('XGROUP', 'CREATE', stream, ARGV[4], taken .. '-0', 'MKSTREAM')
redis.call('HSET', groups, ARGV[4], taken)
return { 'ok', {} }
