package language

// Data is what is sent. Exactly one of the fields is set, or none for an empty datagram.
type Data struct {
	Text  string `json:"text,omitempty" jsonschema_description:"The bytes, as text."`
	Hex   string `json:"hex,omitempty" jsonschema_description:"The bytes, as hex digits; blanks are ignored."`
	Bytes Size   `json:"bytes,omitempty" jsonschema_description:"That many bytes of a fixed pattern (byte i is i modulo 251)."`
}

// Send is send(2).
type Send struct {
	Data  `yaml:",short"`
	All   bool     `json:"all,omitempty" jsonschema_description:"Repeat send(2) until all is sent or it fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, more, oob, nosignal (always on: EPIPE without SIGPIPE)."`
}
