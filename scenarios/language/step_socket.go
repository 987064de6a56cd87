package language

// SocketOp is socket(2).
type SocketOp struct {
	Type     string `yaml:",short" json:"type,omitempty" jsonschema:"enum=tcp,enum=udp" jsonschema_description:"tcp (default) or udp."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"O_NONBLOCK."`
	As       string `json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: sock, then sock2, sock3, ..."`
}
