-- Stands before each script of the directory: looks whose lease has ended.
-- KEYS: leases (node by end), cards (INCARNATION:CARD of each node), state, revisions (node by
-- revision of its card), gone (NODE:INCARNATION by revision). ARGV: length of a lease in ms, ...
local leases, cards, state, revisions, gone = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local GONE_MAX = 4096
local ttl = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number)
    return string.format('%.0f', number)
end

local function change()
    return redis.call('HINCRBY', state, 'revision', 1)
end

local function incarnation_of(node)
    local card = redis.call('HGET', cards, node)
    return card and string.match(card, '^(%d+):')
end

local function renew(node)
    redis.call('ZADD', leases, text(now + ttl), node)
    redis.call('HSET', state, 'last', text(now))
end

local function forget(node)
    local incarnation = incarnation_of(node)
    redis.call('ZREM', leases, node)
    redis.call('HDEL', cards, node)
    redis.call('ZREM', revisions, node)
    if incarnation then
        redis.call('ZADD', gone, change(), node .. ':' .. incarnation)
    end
    if redis.call('ZCARD', gone) > GONE_MAX then
        local oldest = redis.call('ZPOPMIN', gone)
        redis.call('HSET', state, 'forgotten', oldest[2])
    end
end

-- If nobody could renew for a while, this server was away and not the nodes: nobody is gone
-- before there was time to come back.
local last = tonumber(redis.call('HGET', state, 'last') or now)
if last > now or now - last > ttl / 2 then
    for _, node in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
        redis.call('ZADD', leases, text(now + ttl), node)
    end
    redis.call('HSET', state, 'last', text(now))
else
    for _, node in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. text(now))) do
        forget(node)
    end
end

