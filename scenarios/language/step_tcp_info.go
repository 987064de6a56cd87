package language

// TCPInfo is getsockopt(TCP_INFO).
type TCPInfo struct{}
