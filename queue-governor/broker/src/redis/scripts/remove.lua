-- ARGV: lane.
if not exists() then
    return { 'ok', { 0 } }
end
redis.call('DEL', stream, known, order, meta, groups)
redis.call('SREM', lanes, lane)
return { 'ok', { 1 } }
