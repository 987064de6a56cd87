package vm

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// object returns an ELF file with a section .modinfo.
func object(t *testing.T, modinfo string) []byte {
	t.Helper()
	const names = "\x00.modinfo\x00.shstrtab\x00"
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	const header, section = 64, 64
	info := uint64(header)
	table := info + uint64(len(modinfo))
	sections := table + uint64(len(names))
	put([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(0), sections, uint32(0), uint16(header), uint16(0), uint16(0), uint16(section), uint16(3), uint16(2))
	put([]byte(modinfo), []byte(names))
	put(make([]byte, section))
	put(uint32(1), uint32(1), uint64(0), uint64(0), info, uint64(len(modinfo)), uint32(0), uint32(0), uint64(1), uint64(0))
	put(uint32(10), uint32(3), uint64(0), uint64(0), table, uint64(len(names)), uint32(0), uint32(0), uint64(1), uint64(0))
	return b.Bytes()
}

// putModules returns a function that writes a module below dir, with the names of the modules it
// depends on.
func putModules(t *testing.T, dir string) func(name, depends string) {
	return func(name, depends string) {
		t.Helper()
		write(t, filepath.Join(dir, "kernel", name), object(t, "license=GPL\x00depends="+depends+"\x00"))
	}
}

func pathsBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := modulePaths(dir)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestModulesComeBehindThoseTheyDependOn(t *testing.T) {
	dir := t.TempDir()
	put := putModules(t, dir)
	put("net/a.ko", "b-one,c")
	put("net/b-one.ko", "c")
	put("c.ko", "")
	put("unused.ko", "")
	list, err := loadModules(pathsBelow(t, dir), []string{"a", "absent", "c"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range list {
		names = append(names, m.name)
	}
	if want := []string{"c", "b_one", "a"}; !slices.Equal(names, want) {
		t.Errorf("loaded in the order %v, want %v", names, want)
	}
}

func TestTheInitramfsHasTheModulesAndTheirOrder(t *testing.T) {
	dir := t.TempDir()
	put := putModules(t, dir)
	put("veth.ko", "helper")
	put("helper.ko", "")
	put("unwanted.ko", "")
	if err := os.Symlink("nowhere", filepath.Join(dir, "kernel/dangling.ko")); err != nil {
		t.Fatal(err)
	}
	archived := func() (names []string, rests bool) {
		i := newInitramfs()
		rests = i.addModules(pathsBelow(t, dir))
		all, texts := contents(t, i)
		if got, want := texts[modulesPath[1:]], "helper\nveth\n"; got != want {
			t.Errorf("%s has %q, want %q", modulesPath, got, want)
		}
		for _, name := range all {
			if strings.HasPrefix(name, modulesDir[1:]) {
				names = append(names, filepath.Base(name))
			}
		}
		return names, rests
	}
	want := []string{"modules", "modules.list", "helper", "veth"}
	if got, rests := archived(); rests || !slices.Equal(got, want) {
		t.Errorf("in the archive: %v, want %v; rests %v without a driver", got, want, rests)
	}
	put("qemu_fw_cfg.ko", "")
	if got, rests := archived(); !rests || !slices.Equal(got, append(want, jobDriver)) {
		t.Errorf("in the archive: %v, want %v; rests %v with the driver", got, append(want, jobDriver), rests)
	}
}

func TestModulesMayBeCompressedAndSigned(t *testing.T) {
	plain := object(t, "depends=\x00")
	signature := append([]byte("signature"), make([]byte, 12)...)
	binary.BigEndian.PutUint32(signature[len(signature)-4:], uint32(len("signature")))
	signed := append(append(bytes.Clone(plain), signature...), "~Module signature appended~\n"...)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(signed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"m.ko": signed, "m.ko.gz": zipped.Bytes(), "m.ko.zst": enc.EncodeAll(signed, nil)} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "kernel", name), data)
		list, err := loadModules(pathsBelow(t, dir), []string{"m"})
		if err != nil || len(list) != 1 || !bytes.Equal(list[0].data, plain) {
			t.Errorf("%s: %d modules, %v", name, len(list), err)
		}
	}
	if !bytes.Equal(unsigned(plain), plain) {
		t.Error("a module without a signature is changed")
	}
}
