-- Makes ARGV[2] the owner if the epoch is still the one that was seen.
-- KEYS: head, mark, [guilds]. ARGV: store id, owner, epoch seen, member.
if redis.call('HGET', KEYS[2], 'store') ~= ARGV[1] then
    return {err = 'EMPTIED'}
end
local head = redis.call('HMGET', KEYS[1], 'e', 'o')
if (head[1] or '0') ~= ARGV[3] then
    return {'taken', head[1] or '0', head[2] or ''}
end
local found = redis.call('HGETALL', KEYS[1])
redis.call('HINCRBY', KEYS[1], 'e', 1)
redis.call('HSET', KEYS[1], 'o', ARGV[2])
if KEYS[3] then
    redis.call('ZADD', KEYS[3], 0, ARGV[4])
end
return {'claimed', found}
