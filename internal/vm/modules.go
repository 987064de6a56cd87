package vm

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"halfopen/internal/program"
)

// The modules that a lab may need. Modules that are built in or missing are skipped: a missing
// feature is reported when it is used.
var (
	baseModules = []string{
		"virtio_pci", "virtio_console", // for the messages to the host
		"fuse",
		"veth", "ipv6", "af_packet", "inet_diag", "tcp_diag",
		"tcp_cubic",
	}
	faultModules = []string{
		"xt_tcpudp", "xt_multiport", "xt_mark", "xt_bpf", "xt_statistic", "xt_hl", "xt_length",
		"ipt_REJECT", "ip6t_REJECT", "xt_NFQUEUE", "nfnetlink_queue",
		"sch_netem", "sch_tbf", "sch_htb", "cls_u32",
	}
	// nftModules and legacyModules are for the two kinds of iptables.
	nftModules    = []string{"nf_tables", "nft_compat"}
	legacyModules = []string{
		"ip_tables", "ip6_tables", "iptable_filter", "iptable_mangle", "ip6table_filter",
		"ip6table_mangle",
	}
	// execModules are for the programs of exec steps.
	execModules = []string{
		"xt_conntrack", "xt_nat", "xt_MASQUERADE", "nft_chain_nat", "iptable_nat",
		"nf_conntrack_netlink", "udp_diag", "dummy", "bridge", "tun",
	}
)

// wantedModules returns the names of the modules that labs may need.
func wantedModules() []string {
	tables := legacyModules
	if nftIPTables() {
		tables = nftModules
	}
	return slices.Concat(baseModules, faultModules, tables, execModules)
}

// nftIPTables reports whether the program iptables uses nf_tables.
func nftIPTables() bool {
	path, err := exec.LookPath("iptables")
	if err != nil {
		path = "/usr/sbin/iptables" // where Debian keeps the programs for root
	}
	real, err := filepath.EvalSymlinks(path)
	return err == nil && strings.Contains(filepath.Base(real), "nft")
}

// module is a kernel module in the form that finit_module(2) takes.
type module struct {
	name string
	data []byte
}

// loadModules returns the named modules that the kernel has, each after the modules it depends on.
// The dependencies are read from the modules themselves (modinfo(8)), because an unpacked package
// has no modules.dep.
func loadModules(paths map[string]string, names []string) ([]module, error) {
	var list []module
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		path, ok := paths[name]
		if !ok || seen[name] {
			return nil
		}
		seen[name] = true
		data, err := readModule(path)
		if err != nil {
			return err
		}
		needs, err := dependsOn(data)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		for _, need := range needs {
			if err := add(need); err != nil {
				return err
			}
		}
		list = append(list, module{name, unsigned(data)})
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// modulePaths returns the files of the modules below dir, by name of the module.
func modulePaths(dir string) (map[string]string, error) {
	paths := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "kernel"),
		func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if name, _, ok := strings.Cut(d.Name(), ".ko"); ok && !d.IsDir() {
				paths[strings.ReplaceAll(name, "-", "_")] = path
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("looking for modules: %w", err)
	}
	return paths, nil
}

// identityOf returns a text that changes when a file is replaced or written again.
func identityOf(info fs.FileInfo) string {
	return fmt.Sprintf("%s %o %d %d", info.Name(), info.Mode(), info.Size(), info.ModTime().UnixNano())
}

// readModule reads a module's file, which may be compressed.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a module: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".xz":
		xz := program.Program{Name: "xz", Args: []string{"-dc", path}, Limit: time.Minute}
		data, err := xz.Run(context.Background())
		if err != nil {
			return nil, fmt.Errorf("unpacking a module: %w", err)
		}
		return data, nil
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f); err == nil {
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return data, nil
}

// unsigned returns a module without its signature (scripts/sign-file.c): checking it takes the
// guest longer than the rest of the loading. The guest's kernel loads the module without it, and
// reports that it is tainted.
func unsigned(data []byte) []byte {
	const (
		magic  = "~Module signature appended~\n"
		header = 12 // struct module_signature, which ends in the signature's length
	)
	rest, ok := bytes.CutSuffix(data, []byte(magic))
	if !ok || len(rest) < header {
		return data
	}
	length := int(binary.BigEndian.Uint32(rest[len(rest)-4:]))
	if length > len(rest)-header {
		return data
	}
	return rest[:len(rest)-header-length]
}

// dependsOn returns the names of the modules that a module depends on, from its section .modinfo.
func dependsOn(data []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("it has no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	var names []string
	for entry := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := strings.CutPrefix(string(entry), "depends="); ok && list != "" {
			for _, name := range strings.Split(list, ",") {
				names = append(names, strings.ReplaceAll(name, "-", "_"))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
