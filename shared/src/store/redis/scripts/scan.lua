-- Reads all that is stored for a key. What has another type than it should is an error in its
-- place. KEYS: head, mail, outbox, seen.
return {redis.pcall('HGETALL', KEYS[1]), redis.pcall('LRANGE', KEYS[2], 0, -1),
    redis.pcall('ZRANGE', KEYS[3], 0, -1), redis.pcall('HGETALL', KEYS[4])}
