package language

// Recvfrom is recvfrom(2); the outcome's peer is who sent.
type Recvfrom struct {
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer. Default: 64kB."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, peek."`
}
