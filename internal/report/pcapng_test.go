package report

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"halfopen/harness/trace"
	"halfopen/internal/testlab"
)

func TestPcapngHasEveryPacketWhereAndWhenItWasSeen(t *testing.T) {
	_, tr := synBackoff(t)
	// Written out of order, the packets must still come out in order.
	tr.Events[len(tr.Events)-1], tr.Events[0] = tr.Events[0], tr.Events[len(tr.Events)-1]
	var buf bytes.Buffer
	if err := tr.WriteCapture(&buf); err != nil {
		t.Fatal(err)
	}
	names, packets := readPcapng(t, buf.Bytes())
	var want []*trace.Entry
	for i := range tr.Events {
		if tr.Events[i].IsPacket() {
			want = append(want, &tr.Events[i])
		}
	}
	if len(packets) != len(want) {
		t.Fatalf("%d packets, want %d", len(packets), len(want))
	}
	for i, p := range packets {
		e := want[i]
		if at := tr.Run().Wall.Add(e.T).UnixNano(); p.at != at {
			t.Errorf("packet %d at %d, want %d", i, p.at, at)
		}
		k := e.Packet()
		if !bytes.Equal(p.frame, k.Frame) {
			t.Errorf("packet %d has other bytes", i)
		}
		if name := k.Host + ":" + k.Device; names[p.end] != name {
			t.Errorf("packet %d on %q, want %q", i, names[p.end], name)
		}
		if (p.flags == 2) != k.Out || p.flags == 0 {
			t.Errorf("packet %d: flags %d, want out %v", i, p.flags, k.Out)
		}
	}
}

type pcapngPacket struct {
	end   uint32
	at    int64
	frame []byte
	flags uint32
}

// readPcapng reads a file of one section, by the field offsets of the format's specification.
func readPcapng(t *testing.T, b []byte) (names []string, packets []pcapngPacket) {
	t.Helper()
	u32 := binary.LittleEndian.Uint32
	for len(b) > 0 {
		if len(b) < 12 || int(u32(b[4:])) > len(b) || u32(b[4:])%4 != 0 || u32(b[u32(b[4:])-4:]) != u32(b[4:]) {
			t.Fatalf("bad block % x", b[:min(len(b), 16)])
		}
		block := b[:u32(b[4:])]
		b = b[len(block):]
		switch u32(block) {
		case 1:
			names = append(names, string(pcapngOption(block[16:], 2)))
			if got := pcapngOption(block[16:], 9); !bytes.Equal(got, []byte{9}) {
				t.Errorf("timestamp resolution % x, want 9", got)
			}
		case 6:
			n := u32(block[20:])
			packets = append(packets, pcapngPacket{
				end: u32(block[8:]), at: int64(u32(block[12:]))<<32 | int64(u32(block[16:])), frame: block[28 : 28+n],
				flags: u32(pcapngOption(block[28+(n+3)/4*4:], 2)),
			})
		}
	}
	return names, packets
}

// pcapngOption returns the value of an option in a list of options.
func pcapngOption(b []byte, code uint16) []byte {
	for len(b) >= 4 {
		c, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if c == code {
			return b[4 : 4+n]
		}
		if c == 0 {
			break
		}
		b = b[4+(n+3)/4*4:]
	}
	return make([]byte, 4)
}

func TestPcapngIsReadByTcpdump(t *testing.T) {
	tcpdump := testlab.NeedProgram(t, "tcpdump")
	_, tr := synBackoff(t)
	var buf bytes.Buffer
	if err := tr.WriteCapture(&buf); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tcpdump, "-n", "-r", path).Output()
	if err != nil {
		t.Fatalf("tcpdump: %v", err)
	}
	if n := strings.Count(string(out), "198.18.1.2.40000 > 198.18.2.2.8080: Flags [S], seq 7000"); n != 8 {
		t.Errorf("tcpdump sees %d SYNs, want 2 at each of 4 link ends:\n%s", n, out)
	}
}

func TestPcapngOfARunWithoutPackets(t *testing.T) {
	var buf bytes.Buffer
	if err := (&trace.Trace{}).WriteCapture(&buf); err != nil {
		t.Fatal(err)
	}
	if names, packets := readPcapng(t, buf.Bytes()); len(names)+len(packets) != 0 {
		t.Errorf("interfaces %v, packets %v, want none", names, packets)
	}
}
