-- Reads mail after a position, oldest first. KEYS: head, mail. ARGV: position, most entries.
local head = redis.call('HMGET', KEYS[1], 'mn', 'ml')
local mn, ml = tonumber(head[1] or 0), tonumber(head[2] or 0)
if not (mn and ml) or redis.call('LLEN', KEYS[2]) ~= mn then
    return {err = 'DAMAGED the mailbox is not as long as the head says'}
end
-- Positions in the list are contiguous: the last one is `ml`.
local skipped = math.max(0, tonumber(ARGV[1]) - (ml - mn))
if skipped >= mn then
    return {0, {}}
end
local entries = redis.call('LRANGE', KEYS[2], skipped, skipped + ARGV[2] - 1)
return {ml - mn + skipped + 1, entries}
