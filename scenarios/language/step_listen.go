package language

// Listen is listen(2), and socket(2), SO_REUSEADDR 1 and bind(2) where there is no socket yet.
type Listen struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N, or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"1 to 65535; needed unless the socket is bound."`
	Backlog *int   `json:"backlog,omitempty" jsonschema_description:"Length of the accept queue as given to listen(). Default: 128."`
}
