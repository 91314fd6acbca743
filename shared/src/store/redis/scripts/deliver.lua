-- Puts mail of one source into a mailbox, each entry once however often it is delivered.
-- KEYS: head, mail, seen, [guilds]. ARGV: source, limit of the mailbox, member,
--       (life, number, mail) of each entry in the order of the outbox.
-- Returns: owner, entries done with (delivered or seen before), delivered, full, gap.
local head = redis.call('HMGET', KEYS[1], 'o', 'mn', 'ml')
local mn, ml = tonumber(head[2] or 0), tonumber(head[3] or 0)
local mark = redis.call('HGET', KEYS[3], ARGV[1]) or '0:0'
local life, number = string.match(mark, '^(%d+):(%d+)$')
life, number = tonumber(life), tonumber(number)
if not (mn and ml and life and number) then
    return {err = 'DAMAGED a counter is not a number'}
end
if redis.call('LLEN', KEYS[2]) ~= mn then
    return {err = 'DAMAGED the mailbox is not as long as the head says'}
end

local arrivals, done, full, gap = {}, 0, 0, ''
for at = 4, #ARGV, 3 do
    local its_life, its_number = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    if its_life > life then
        life, number = its_life, 0
    end
    if its_life == life and its_number > number then
        if its_number > number + 1 then
            gap = mark
            break
        end
        if mn + #arrivals >= tonumber(ARGV[2]) then
            full = 1
            break
        end
        number = its_number
        local position = string.format('%.0f', ml + #arrivals + 1)
        arrivals[#arrivals + 1] = position .. ':' .. ARGV[1] .. ':' .. ARGV[at + 2]
    end
    done = done + 1
end
local count = #arrivals
if count > 0 then
    redis.call('RPUSH', KEYS[2], unpack(arrivals))
    redis.call('HSET', KEYS[1], 'mn', string.format('%.0f', mn + count),
        'ml', string.format('%.0f', ml + count))
    redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f:%.0f', life, number))
    if KEYS[4] then
        redis.call('ZADD', KEYS[4], 0, ARGV[3])
    end
end
return {head[1] or '', done, count, full, gap}
