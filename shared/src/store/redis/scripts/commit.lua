-- Writes one key's changes if epoch and version are still those of the asker.
-- KEYS: head, [mail, outbox, sent, pending, mark].
-- ARGV: epoch, version, next version, 'L' if a size is over its limit, number of parts,
--       (field, bytes) of each part; with all keys also: limit of the outbox, member,
--       position of the last mail taken or '', (target, mail) of each post, run of the server.
local head = redis.call('HMGET', KEYS[1], 'o', 'e', 'v')
if not head[1] or (head[2] or '0') ~= ARGV[1] or (head[3] or '0') ~= ARGV[2] then
    return 'F'
end
if ARGV[4] == 'L' then
    return 'L'
end
local parts = tonumber(ARGV[5])
local after = 5 + 2 * parts
if not KEYS[2] then
    redis.call('HSET', KEYS[1], 'v', ARGV[3], unpack(ARGV, 6, after))
    return 'D'
end

local function text(number)
    return string.format('%.0f', number)
end
local counters = redis.call('HMGET', KEYS[1], 'mn', 'ml', 'on', 'ol')
local mn, ml = tonumber(counters[1] or 0), tonumber(counters[2] or 0)
local on, ol = tonumber(counters[3] or 0), tonumber(counters[4] or 0)
if not (mn and ml and on and ol) then
    return {err = 'DAMAGED a counter of the head is not a number'}
end
local posts = (#ARGV - after - 4) / 2
if on + posts > tonumber(ARGV[after + 1]) then
    return 'L'
end
local member, last_taken = ARGV[after + 2], ARGV[after + 3]
local gone = 0
if last_taken ~= '' then
    if redis.call('LLEN', KEYS[2]) ~= mn then
        return {err = 'DAMAGED the mailbox is not as long as the head says'}
    end
    gone = math.max(0, math.min(mn, tonumber(last_taken) - (ml - mn)))
end

-- A sequence is (life of the server, number): numbers begin anew after a restart, so that marks
-- at other servers stay true even if this one lost its last writes.
local run, life = ARGV[#ARGV], 0
local sent, entries, new_life = {}, {}, false
if posts > 0 then
    if redis.call('ZCARD', KEYS[3]) ~= on then
        return {err = 'DAMAGED the outbox is not as long as the head says'}
    end
    local mark = redis.call('HMGET', KEYS[6], 'run', 'life')
    life = tonumber(mark[2] or 0)
    if mark[1] ~= run then
        local time = redis.call('TIME')
        life = math.max(life + 1, time[1] * 1000 + math.floor(time[2] / 1000))
        new_life = true
    end
    for post = 1, posts do
        local target, mail = ARGV[after + 2 + 2 * post], ARGV[after + 3 + 2 * post]
        if not sent[target] then
            local last = redis.call('HGET', KEYS[4], target) or '0:0'
            local last_life, number = string.match(last, '^(%d+):(%d+)$')
            if not number then
                return {err = 'DAMAGED a sequence is not a pair of numbers'}
            end
            last_life, number = tonumber(last_life), tonumber(number)
            -- A slot that came from another server may bring a later life along.
            if last_life < life then
                sent[target] = {life, 0}
            else
                sent[target] = {last_life, number}
            end
        end
        local sequence = sent[target]
        sequence[2] = sequence[2] + 1
        local position = text(ol + post)
        entries[2 * post - 1] = position
        entries[2 * post] = position .. ':' .. text(sequence[1]) .. ':' .. text(sequence[2])
            .. ':' .. target .. ':' .. mail
    end
end

redis.call('HSET', KEYS[1], 'v', ARGV[3], 'mn', text(mn - gone), 'on', text(on + posts),
    'ol', text(ol + posts), unpack(ARGV, 6, after))
if gone > 0 then
    redis.call('LTRIM', KEYS[2], gone, -1)
end
if new_life then
    redis.call('HSET', KEYS[6], 'run', run, 'life', text(life))
end
if posts > 0 then
    redis.call('ZADD', KEYS[3], unpack(entries))
    for target, sequence in pairs(sent) do
        redis.call('HSET', KEYS[4], target, text(sequence[1]) .. ':' .. text(sequence[2]))
    end
    redis.call('ZADD', KEYS[5], 0, member)
end
return 'D'
