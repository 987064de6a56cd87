package actor

// User is whom a program runs as, other than root of the lab. It has no capabilities: the kernel takes
// them from a process that gives up the user ID 0 (capabilities(7)).
type User struct {
	Name   string   `json:"name"`
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`
	// Home is its home directory.
	Home string `json:"home"`
}
