package fault

func (c *compilation) drop() (*Planned, error) {
	return c.stateless("stateless drop", "-j", "DROP")
}
