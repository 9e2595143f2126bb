-- ARGV: lane, group, position.
local refused = refusal(ARGV[2])
if refused then
    return refused
end
return { 'ok', { redis.call('XACK', stream, ARGV[2], ARGV[3] .. '-0') } }
