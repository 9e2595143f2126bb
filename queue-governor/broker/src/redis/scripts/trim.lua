-- ARGV: lane, upto.
if not exists() then
    return { 'ok', { 0 } }
end
local upto = math.min(tonumber(ARGV[2]), settled() or number('last'))
local count, last, bytes = count_while(upto, function() return true end)
drop(last, bytes)
return { 'ok', { count } }
