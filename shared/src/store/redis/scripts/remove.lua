-- Removes entries that were delivered from an outbox. Returns how many it still holds.
-- KEYS: head, outbox, pending. ARGV: member, position of each.
local removed = 0
for at = 2, #ARGV do
    removed = removed + redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[at], ARGV[at])
end
local left = redis.call('ZCARD', KEYS[2])
if removed > 0 then
    redis.call('HSET', KEYS[1], 'on', string.format('%.0f', left))
    if left == 0 then
        redis.call('ZREM', KEYS[3], ARGV[1])
    end
end
return left
