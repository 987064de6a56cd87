package kernel

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Netem finds out whether the kernel has sch_netem, by adding one to lo and taking it away: it must be called in a network
// namespace that is the caller's alone. The error says why it has not.
func Netem() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding lo: %w", err)
	}
	attrs := netlink.QdiscAttrs{LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(0x6f, 0), Parent: netlink.HANDLE_ROOT}
	q := netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{})
	if err := netlink.QdiscAdd(q); err != nil {
		return fmt.Errorf("adding netem to lo: %w", err)
	}
	return netlink.QdiscDel(q)
}
