package language

// Bind is bind(2).
type Bind struct {
	Address string `json:"address,omitempty" jsonschema_description:"HOST or HOST.N (its nth address), or any (default)."`
	Port    int    `yaml:",short" json:"port,omitempty" jsonschema_description:"0 to 65535; 0 (default): the kernel chooses."`
}
