package kernel

// The names of the features that can be probed, as [MissingError] and doctor name them.
const (
	UserNamespaces = "unprivileged user namespaces"
	SysAdmin       = "CAP_SYS_ADMIN"
	NetAdmin       = "CAP_NET_ADMIN"
	NetRaw         = "CAP_NET_RAW"
	IPTables       = "the program iptables"
	IP6Tables      = "the program ip6tables"
	Netem          = "sch_netem"
	TBF            = "sch_tbf"
	SockDiag       = "sock_diag"
	NFQueue        = "nfnetlink_queue"
	SocketTable    = "net.ipv4.tcp_child_ehash_entries"
	LinearTimeouts = "net.ipv4.tcp_syn_linear_timeouts"
	KVM            = "/dev/kvm"
	QEMU           = "the program qemu-system-x86_64"
)

// Feature is what a probe found.
type Feature struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is a version, a path or the reason; may be empty.
	Detail string `json:"detail,omitempty"`
	// NeededBy says what does not work without it, Remedy what the user can do; Remedy may be empty.
	NeededBy string `json:"needed_by"`
	Remedy   string `json:"remedy,omitempty"`
}

// Features are the results of probes, each name once.
type Features []Feature

// Get returns the feature of that name; one that was not probed is not OK.
func (f Features) Get(name string) Feature {
	for _, feature := range f {
		if feature.Name == name {
			return feature
		}
	}
	return Feature{Name: name, Detail: "not probed"}
}

// Has reports whether the feature was found.
func (f Features) Has(name string) bool { return f.Get(name).OK }
