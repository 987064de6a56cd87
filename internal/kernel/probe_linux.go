package kernel

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Netem checks whether the kernel has sch_netem. It adds a netem to lo and removes it again, so it
// must be called in a network namespace that only the caller uses. The error says why the kernel
// refused it.
func Netem() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding lo: %w", err)
	}
	attrs := netlink.QdiscAttrs{
		LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(0x6f, 0), Parent: netlink.HANDLE_ROOT,
	}
	q := netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{})
	if err := netlink.QdiscAdd(q); err != nil {
		return fmt.Errorf("adding netem to lo: %w", err)
	}
	return netlink.QdiscDel(q)
}
