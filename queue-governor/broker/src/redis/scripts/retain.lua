-- ARGV: lane, a time in ms, entries, bytes; each of them may be "".
if not exists() then
    return { 'ok', { 0 } }
end
local oldest, entries_max, bytes_max = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local count, last, bytes = count_while(settled() or number('last'), function(at, entries, size)
    return (oldest and at < oldest)
        or (entries_max and entries > entries_max)
        or (bytes_max and size > bytes_max)
end)
drop(last, bytes)
return { 'ok', { count } }
