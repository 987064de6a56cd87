package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// level writes itself as JSON.
type level struct{ n int }

func (l level) MarshalJSON() ([]byte, error) { return json.Marshal(strings.Repeat("+", l.n)) }

func (l *level) UnmarshalJSON(data []byte) error {
	var text string
	err := json.Unmarshal(data, &text)
	l.n = len(text)
	return err
}

type inner struct {
	Name string
	Next *inner
}

type everything struct {
	inner
	Bool    bool
	Int     int
	Small   int8
	Uint    uint64
	Float   float64
	Text    string
	Pointer *inner
	List    []inner
	Bytes   []byte
	Raw     json.RawMessage
	Array   [3]uint16
	Map     map[string][]int
	Level   level
	Levels  []*level
	Address netip.Addr
	Time    time.Time
	Left    string `json:"-"`
	hidden  int
}

func TestValuesComeAsTheyWere(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want everything
	}{
		{name: "zero"},
		{
			name: "everything",
			in: everything{
				inner: inner{Name: "embedded"},
				Bool:  true, Int: -5, Small: -128, Uint: 1 << 63, Float: 0.1, Text: "tëxt\x00\xff",
				Pointer: &inner{Name: "a", Next: &inner{Name: "b"}},
				List:    []inner{{Name: "c"}, {}},
				Bytes:   []byte{0, 255}, Raw: json.RawMessage(`{"b": 1}`), Array: [3]uint16{1, 0, 65535},
				Map:   map[string][]int{"": nil, "x": {1, 2}},
				Level: level{3}, Levels: []*level{{1}, nil, {}},
				Address: netip.MustParseAddr("198.18.1.2"), Time: time.Unix(1, 2).UTC(),
			},
		},
		{
			name: "nil and empty are two things",
			in:   everything{List: []inner{}, Bytes: []byte{}, Map: map[string][]int{}, Pointer: &inner{}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.in
			in := tt.in
			in.Left, in.hidden = "left out", 1
			var buf bytes.Buffer
			for range 2 {
				if err := NewEncoder(&buf).Encode(&in); err != nil {
					t.Fatal(err)
				}
			}
			if err := NewEncoder(&buf).Encode(in); err != nil {
				t.Fatal(err)
			}
			dec := NewDecoder(iotest.OneByteReader(&buf))
			for range 3 {
				var got everything
				if err := dec.Decode(&got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{}, level{}),
					cmpopts.EquateComparable(netip.Addr{})); diff != "" {
					t.Errorf("the value (-sent +got):\n%s", diff)
				}
			}
			if err := dec.Decode(new(everything)); err != io.EOF {
				t.Errorf("after the last value: %v, want EOF", err)
			}
		})
	}
}

func TestWhatCannotBePassedOnIsRefused(t *testing.T) {
	for _, v := range []any{struct{ F func() }{func() {}}, struct{ V any }{1}, struct{ C chan int }{make(chan int)}} {
		if err := NewEncoder(io.Discard).Encode(v); err == nil {
			t.Errorf("%T is written", v)
		}
	}
}

func TestMessagesThatAreCutOrWrong(t *testing.T) {
	var buf bytes.Buffer
	if err := NewEncoder(&buf).Encode(&everything{Text: "x", List: []inner{{Name: "y"}}}); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	for n := 1; n < len(whole); n++ {
		err := NewDecoder(bytes.NewReader(whole[:n])).Decode(new(everything))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes: %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
	}
	framed := func(body ...byte) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"no end of the fields", framed()},
		{"an unknown field", framed(99, 0)},
		{"a field without a name in JSON", framed(18, 2, 'x', 'y', 0)},
		{"a field that is not exported", framed(19, 2, 0)},
		{"a text that is too long", framed(7, 9, 'x')},
		{"a list that is too long", framed(9, 0xff, 0xff, 0xff, 0x7f)},
		{"a number that is too large", framed(4, 0xff, 0xff, 3, 0)},
		{"a number without an end", framed(3, 0xff)},
		{"bytes left over", framed(0, 0)},
		{"a message that is too large", []byte{0, 0, 0, 0x80}},
	} {
		if err := NewDecoder(bytes.NewReader(tt.data)).Decode(new(everything)); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v, want %v", tt.name, err, errMalformed)
		}
	}
}

// FuzzDecode: no message makes the decoder panic, and a value that it reads is the same after it was
// written and read again.
func FuzzDecode(f *testing.F) {
	var buf bytes.Buffer
	if err := NewEncoder(&buf).Encode(&everything{
		Text: "x", Map: map[string][]int{"a": {1}}, Level: level{2}, Bytes: []byte("b"),
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes()[4:])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)
		var got everything
		if NewDecoder(bytes.NewReader(data)).Decode(&got) != nil {
			return
		}
		var again bytes.Buffer
		if err := NewEncoder(&again).Encode(&got); err != nil {
			return // such as a time beyond the year 9999
		}
		var same everything
		if err := NewDecoder(&again).Decode(&same); err != nil {
			t.Fatalf("it cannot be read again: %v", err)
		}
		if diff := cmp.Diff(got, same, cmp.AllowUnexported(everything{}, level{}), cmpopts.EquateNaNs(),
			cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("the value read again (-first +second):\n%s", diff)
		}
	})
}
