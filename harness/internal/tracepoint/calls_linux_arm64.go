package tracepoint

// olderCalls are those that newer architectures do not have.
var olderCalls map[uint32]callNumber
