//! A Redis Cluster whose slots move while it is written to.
