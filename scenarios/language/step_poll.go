package language

// Poll is poll(2) on one socket. The outcome's result is poll's, its value the events that came, such as "out,err,hup".
type Poll struct {
	For     []string  `yaml:",short" json:"for,omitempty" jsonschema_description:"in, out, pri, rdhup. Default: [in]."`
	Timeout *Duration `json:"timeout,omitempty" jsonschema_description:"Longest wait. Default: none."`
}
