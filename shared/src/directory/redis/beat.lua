-- Renews a lease if it is time, takes a changed card, and tells what has changed.
-- ARGV: ..., node, incarnation, '1' to renew, revision that is known, [card].
-- Returns: whether the lease holds, revision, whether all cards follow, cards, nodes gone.
local node, incarnation, known = ARGV[2], ARGV[3], tonumber(ARGV[5])
if incarnation_of(node) ~= incarnation then
    return {0, 0, 0, {}, {}}
end
if ARGV[4] == '1' then
    renew(node)
end
if ARGV[6] and redis.call('HGET', cards, node) ~= incarnation .. ':' .. ARGV[6] then
    redis.call('HSET', cards, node, incarnation .. ':' .. ARGV[6])
    redis.call('ZADD', revisions, change(), node)
end
local revision = tonumber(redis.call('HGET', state, 'revision') or 0)
if revision == known then
    return {1, revision, 0, {}, {}}
end
local all = 0
if known > revision or known < tonumber(redis.call('HGET', state, 'forgotten') or 0) then
    all, known = 1, 0
end
local nodes = redis.call('ZRANGEBYSCORE', revisions, '(' .. text(known), '+inf')
local changed, left = {}, {}
if #nodes > 0 then
    changed = redis.call('HMGET', cards, unpack(nodes))
end
if all == 0 then
    left = redis.call('ZRANGEBYSCORE', gone, '(' .. text(known), '+inf')
end
return {1, revision, all, changed, left}
