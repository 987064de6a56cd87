package language

// Signal raises a named event.
type Signal struct {
	Name string `yaml:",short" json:"name"`
}
