-- ARGV: lane, group.
local refused = refusal(ARGV[2])
if refused then
    return refused
end
local held = {}
for _, one in ipairs(redis.call('XPENDING', stream, ARGV[2], '-', '+', 1000000)) do
    held[#held + 1] = { position(one[1]), one[2], one[4] }
end
return { 'ok', held }
