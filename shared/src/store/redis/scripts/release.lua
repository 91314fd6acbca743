-- Gives a key up if the epoch is the current one. KEYS: head. ARGV: epoch.
if (redis.call('HGET', KEYS[1], 'e') or '0') == ARGV[1] then
    redis.call('HDEL', KEYS[1], 'o')
end
return 'D'
