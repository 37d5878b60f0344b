-- The keys of one group of one topic, in the order in which every script gets them.
local stream, lease, state, members, wake, dead, amended, parked, waiting, releasing, redeliver, started = unpack(KEYS)
