package language

// Setsockopt is setsockopt(2), once for each option.
type Setsockopt struct {
	Options []SockOption `json:"options"`
}

// SockOption is a socket option and its value: a number, a duration (SO_SNDTIMEO, SO_RCVTIMEO), a word
// (TCP_CONGESTION), or for SO_LINGER "off" or a duration.
type SockOption struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Pos   Pos    `json:"pos,omitzero"`
}
