package language

// Parallel does several lists of steps at once.
type Parallel struct {
	Branches [][]Step `yaml:",short" json:"branches"`
}
