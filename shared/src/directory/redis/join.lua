-- Takes a node number for an incarnation that never was before.
-- ARGV: ..., node, incarnation, most nodes.
local node, incarnation = ARGV[2], ARGV[3]
local holder = incarnation_of(node)
if holder == incarnation then
    renew(node)
    return {'joined'}
end
if holder then
    return {'taken', holder}
end
local highest = redis.call('HGET', state, 'highest:' .. node)
if highest and tonumber(highest) >= tonumber(incarnation) then
    return {'spent', highest}
end
if redis.call('ZCARD', leases) >= tonumber(ARGV[4]) then
    return {'full'}
end
redis.call('HSET', state, 'highest:' .. node, incarnation)
redis.call('HSET', cards, node, incarnation .. ':')
renew(node)
return {'joined'}
