-- Makes the note that says whose store this is, unless it is there.
-- KEYS: meta. ARGV: format, cluster, something that no other store has.
if redis.call('EXISTS', KEYS[1]) == 0 then
    local time = redis.call('TIME')
    local id = redis.sha1hex(ARGV[3] .. ':' .. time[1] .. ':' .. time[2])
    redis.call('HSET', KEYS[1], 'store', id, 'format', ARGV[1], 'cluster', ARGV[2],
        'ready', 0, 'incarnation', 0)
end
return redis.call('HMGET', KEYS[1], 'store', 'format', 'cluster', 'ready')
