package vm

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halfopen/inject"
	"halfopen/internal/testlab"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// vmlinux returns an ELF file with a segment of notes.
func vmlinux(t *testing.T, notes string, align uint64) []byte {
	t.Helper()
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
	}
	segment := elf.Prog64{Type: uint32(elf.PT_NOTE), Filesz: uint64(len(notes)), Align: align}
	header.Ehsize, header.Phentsize, header.Phnum = uint16(binary.Size(header)), uint16(binary.Size(segment)), 1
	header.Phoff = uint64(header.Ehsize)
	segment.Off = header.Phoff + uint64(header.Phentsize)
	var b bytes.Buffer
	for _, part := range []any{header, segment, []byte(notes)} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// packedBy returns data, packed by a compressor.
func packedBy[W io.WriteCloser](t *testing.T, compressor func(io.Writer) W, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := compressor(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withSize appends the size of the unpacked data, as scripts/Makefile.lib does for formats that do
// not end in it.
func withSize(packed []byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(packed, uint32(size))
}

// bzImageOf returns an image with a payload.
func bzImageOf(payload []byte) []byte {
	const sectors, offset = 4, 0x100
	b := bzImage("6.1.0")[:(sectors+1)*512+offset]
	b[0x1f1] = sectors
	binary.LittleEndian.PutUint16(b[0x206:], 0x20f)
	binary.LittleEndian.PutUint32(b[0x248:], offset)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(append(b, payload...), "trailing data"...)
}

// pvh are two notes. The second one has the address of the entry for PVH.
const pvh = "\x04\x00\x00\x00\x04\x00\x00\x00\x06\x00\x00\x00Xen\x00\x00\x00\x00\x00" +
	"\x04\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00Xen\x00\x30\x0a\x00\x01\x00\x00\x00\x00"

func TestUnpackImage(t *testing.T) {
	entry := vmlinux(t, pvh, 4)
	noEntry := vmlinux(t, strings.Replace(pvh, "\x12", "\x13", 1), 4)
	byGzip := func(data []byte) []byte { return packedBy(t, gzip.NewWriter, data) }
	byZstd := packedBy(t, func(w io.Writer) *zstd.Encoder {
		z, err := zstd.NewWriter(w)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}, entry)
	byLZ4 := packedBy(t, func(w io.Writer) *lz4.Writer {
		z := lz4.NewWriter(w)
		if err := z.Apply(lz4.LegacyOption(true)); err != nil {
			t.Fatal(err)
		}
		return z
	}, entry)
	wrong := func(packed []byte, at int) []byte {
		packed = slices.Clone(packed)
		packed[len(packed)-at] ^= 1
		return packed
	}
	old := bzImageOf(byGzip(entry))
	binary.LittleEndian.PutUint16(old[0x206:], 0x207)
	for name, tt := range map[string]struct {
		image []byte
		err   string // "" if entry is unpacked
	}{
		"packed by gzip":             {bzImageOf(byGzip(entry)), ""},
		"packed by zstd":             {bzImageOf(withSize(byZstd, len(entry))), ""},
		"packed by lz4":              {bzImageOf(withSize(byLZ4, len(entry))), ""},
		"packed by xz":               {bzImageOf(withSize([]byte("\xfd7zXZ\x00"), 100)), "unknown format: it begins with fd 37 7a 58"},
		"of an old boot protocol":    {old, "its header does not say where the kernel is"},
		"cut short":                  {bzImageOf(byGzip(entry))[:0xb10], "unexpected EOF"},
		"only a header":              {bzImage("6.1.0")[:0x240], "its header does not say where the kernel is"},
		"of a payload without bytes": {bzImageOf(nil), "unexpected EOF"},
		"smaller than it says":       {bzImageOf(withSize(byZstd, len(entry)+1)), "unexpected EOF"},
		"larger than it says":        {bzImageOf(withSize(byZstd, len(entry)-1)), "it has more than the"},
		"of a wrong checksum, gzip":  {bzImageOf(wrong(byGzip(entry), 8)), "invalid checksum"},
		"of a wrong checksum, zstd":  {bzImageOf(withSize(wrong(byZstd, 1), len(entry))), "CRC"},
		"far larger than a kernel":   {bzImageOf(withSize(byZstd, 1<<31)), "its size field says 2147483648 bytes"},
		"of a file other than ELF":   {bzImageOf(byGzip(bytes.Repeat([]byte("a kernel"), 20))), "bad magic number"},
		"of half an ELF file":        {bzImageOf(byGzip(entry[:len(entry)-1])), "unexpected EOF"},
		"without an entry for PVH":   {bzImageOf(byGzip(noEntry)), "it has no entry for PVH"},
		"with notes elsewhere":       {bzImageOf(byGzip(vmlinux(t, pvh, 8))), "it has no entry for PVH that QEMU finds"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vmlinuz")
			write(t, path, tt.image)
			got, err := unpackImage(&Kernel{Version: "5.0.0-1-amd64", Image: path})
			switch {
			case tt.err == "" && (err != nil || !bytes.Equal(got, entry)):
				t.Errorf("%d bytes of %d are unpacked: %v", len(got), len(entry), err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || got != nil):
				t.Errorf("%d bytes, the error %v, want one with %q", len(got), err, tt.err)
			}
		})
	}
}

// TestKernelsHereAreUnpacked checks that the machines of the other tests really boot unpacked
// kernels.
func TestKernelsHereAreUnpacked(t *testing.T) {
	k := needMachine(t)
	unpacked, err := unpackImage(&k)
	if err != nil {
		testlab.Supported(t, &inject.MissingError{Feature: "a kernel that can be unpacked", Err: err})
	}
	if !bytes.Contains(unpacked, []byte("Linux version "+k.Version)) {
		t.Errorf("the %d bytes of the kernel do not contain its version %s", len(unpacked), k.Version)
	}
}
