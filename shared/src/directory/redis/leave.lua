-- Gives the lease back. ARGV: ..., node, incarnation.
if incarnation_of(ARGV[2]) == ARGV[3] then
    forget(ARGV[2])
end
return {'left'}
