package language

// Getsockopt is getsockopt(2) of one option, or the ioctls SIOCINQ and SIOCOUTQ.
type Getsockopt struct {
	Option string `yaml:",short" json:"option" jsonschema_description:"SO_ERROR, SO_SNDBUF, TCP_NODELAY, SIOCOUTQ, ..."`
}
