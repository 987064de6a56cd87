package language

// Close is close(2).
type Close struct{}
