-- Reads an outbox, oldest first. KEYS: head, outbox. ARGV: most entries.
local on = tonumber(redis.call('HGET', KEYS[1], 'on') or 0)
if redis.call('ZCARD', KEYS[2]) ~= on then
    return {err = 'DAMAGED the outbox is not as long as the head says'}
end
return {on, redis.call('ZRANGE', KEYS[2], 0, ARGV[1] - 1)}
