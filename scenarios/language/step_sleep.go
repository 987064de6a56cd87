package language

// Sleep does nothing for a duration.
type Sleep struct {
	For Duration `yaml:",short" json:"for"`
}
