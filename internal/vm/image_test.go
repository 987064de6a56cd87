package vm

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// vmlinux is an ELF file with a segment of notes.
func vmlinux(t *testing.T, notes string) []byte {
	t.Helper()
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
	}
	segment := elf.Prog64{Type: uint32(elf.PT_NOTE), Filesz: uint64(len(notes))}
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

// packedBy returns data as a compressor packs it.
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

// withSize is what scripts/Makefile.lib puts behind what does not end in its size.
func withSize(packed []byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(packed, uint32(size))
}

// bzImageOf is an image with a payload.
func bzImageOf(payload []byte) []byte {
	const sectors, offset = 4, 0x100
	b := bzImage("6.1.0")[:(sectors+1)*512+offset]
	b[0x1f1] = sectors
	binary.LittleEndian.PutUint16(b[0x206:], 0x20f)
	binary.LittleEndian.PutUint32(b[0x248:], offset)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)))
	return append(append(b, payload...), "what is behind it"...)
}

func TestUnpackImage(t *testing.T) {
	const pvh = "\x04\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00Xen\x00\x30\x0a\x00\x01\x00\x00\x00\x00"
	entry := vmlinux(t, "\x04\x00\x00\x00\x04\x00\x00\x00\x06\x00\x00\x00Xen\x00\x00\x00\x00\x00"+pvh)
	noEntry := vmlinux(t, strings.Replace(pvh, "\x12", "\x13", 1))
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
	old := bzImageOf(byGzip(entry))
	binary.LittleEndian.PutUint16(old[0x206:], 0x207)
	for name, tt := range map[string]struct {
		image []byte
		err   string // "" if it is entry that is unpacked
	}{
		"packed by gzip":             {bzImageOf(byGzip(entry)), ""},
		"packed by zstd":             {bzImageOf(withSize(byZstd, len(entry))), ""},
		"packed by lz4":              {bzImageOf(withSize(byLZ4, len(entry))), ""},
		"packed by xz":               {bzImageOf(withSize([]byte("\xfd7zXZ\x00"), 100)), "what begins with fd 37 7a 58 is not understood"},
		"of an old boot protocol":    {old, "its header does not say where the kernel is"},
		"cut short":                  {bzImageOf(byGzip(entry))[:0xb10], "unexpected EOF"},
		"only a header":              {bzImage("6.1.0")[:0x240], "its header does not say where the kernel is"},
		"of a payload without bytes": {bzImageOf(nil), "unexpected EOF"},
		"smaller than it says":       {bzImageOf(withSize(byZstd, len(entry)+1)), "unexpected EOF"},
		"larger than it says":        {bzImageOf(withSize(byZstd, len(entry)-1)), "it has more than the"},
		"far larger than a kernel":   {bzImageOf(withSize(byZstd, 1<<31)), "it is said to have 2147483648 bytes"},
		"of no ELF file":             {bzImageOf(byGzip(bytes.Repeat([]byte("a kernel"), 20))), "bad magic number"},
		"of half an ELF file":        {bzImageOf(byGzip(entry[:len(entry)-1])), "unexpected EOF"},
		"without an entry for PVH":   {bzImageOf(byGzip(noEntry)), "it has no entry for PVH"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vmlinuz")
			write(t, path, tt.image)
			got, err := unpackImage(path)
			switch {
			case tt.err == "" && (err != nil || !bytes.Equal(got, entry)):
				t.Errorf("%d bytes of %d are unpacked: %v", len(got), len(entry), err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || got != nil):
				t.Errorf("%d bytes, the error %v, want one with %q", len(got), err, tt.err)
			}
		})
	}
}

// TestKernelsHereAreUnpacked tells that the machines of the other tests do boot unpacked kernels.
func TestKernelsHereAreUnpacked(t *testing.T) {
	k := needMachine(t)
	unpacked, err := unpackImage(k.Image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(unpacked, []byte("Linux version "+k.Version)) {
		t.Errorf("in the %d bytes of the kernel its version %s is not to be found", len(unpacked), k.Version)
	}
}
