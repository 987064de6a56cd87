package queue

// Number is the queue's number on each host that has one. Queues are numbered per network
// namespace.
const Number = 1

// Mark is the mark on packets sent from here, so that they are not queued again.
const Mark = 0x686f

// headers is how many bytes of each packet are read if no rule needs more.
const headers = StrikeBytes
