package language

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStepWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Step
		want string
	}{
		{"an operation without operands", Step{Op: Op{Close: &Close{}}}, "close"},
		{"one with some", Step{Op: Op{Connect: &Connect{To: "server:80", Nonblock: true}}}, "connect: {to: server:80, nonblock}"},
		{"embedded data", Step{Op: Op{Send: &Send{Data: Data{Text: "hi"}, All: true}}}, "send: {text: hi, all}"},
		{
			"modifiers",
			Step{Socket: "a", After: "server.accept", Times: 3, Op: Op{Sleep: &Sleep{For: Duration(time.Second)}}},
			"sleep: {for: 1s}, on a, after server.accept, 3 times",
		},
		{
			"repeat",
			Step{Op: Op{Repeat: &Repeat{Times: 2, Steps: []Step{
				{Op: Op{Accept: &Accept{}}}, {Op: Op{Close: &Close{}}},
			}}}},
			"repeat 2 times: accept; close",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.String(); got != tt.want {
				t.Errorf("String() = %q, want %q", got, tt.want)
			}
		})
	}
}

// filled sets every field that can be reached from v, with one element for each list.
func filled(v reflect.Value) {
	if s, ok := v.Addr().Interface().(*Step); ok {
		*s = Step{ID: "inner", Op: Op{Close: &Close{}}}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(1)
	default:
		panic("no way to fill " + v.Type().String())
	}
}

// has reports whether a value of type t contains one of type part, except in nested steps.
func has(t, part reflect.Type) bool {
	switch {
	case t == part:
		return true
	case t == reflect.TypeFor[Step]():
		return false
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
		return has(t.Elem(), part)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if has(t.Field(i).Type, part) {
				return true
			}
		}
	}
	return false
}

func TestEveryOperationDescribesItself(t *testing.T) {
	fields := reflect.TypeFor[Op]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		t.Run(jsonName(f), func(t *testing.T) {
			if f.Type.Kind() != reflect.Pointer {
				t.Fatalf("the field %s is of type %s, want a pointer", f.Name, f.Type)
			}
			v := reflect.New(f.Type.Elem())
			empty, ok := v.Interface().(Operation)
			if !ok {
				t.Fatalf("%s is not an Operation", f.Type)
			}
			empty.Arguments() // of operands that are not there
			if f.Tag.Get("jsonschema_description") == "" {
				t.Error("the field has no description")
			}
			v = reflect.New(f.Type.Elem())
			filled(v.Elem())
			op := v.Interface().(Operation)
			if f.Type.Elem().NumField() > 0 && op.Arguments() == "" {
				t.Error("Arguments is empty although all operands are set")
			}
			if has(f.Type, reflect.TypeFor[Duration]()) && op.lasts() == 0 {
				t.Error("lasts is 0 although an operand is a duration")
			}
			outcomes := op.Outcomes()
			if len(outcomes) == 0 {
				t.Error("Outcomes is empty")
			}
			if !slices.Equal(outcomes, empty.Outcomes()) {
				t.Error("Outcomes depends on the operands")
			}
			if s, ok := op.(Showing); ok && !slices.Contains(outcomes, s.Shows().Part) {
				t.Errorf("Shows is %q, which is not among its outcomes %v", s.Shows().Part, outcomes)
			}
			var names []string
			if n, ok := op.(valued); ok {
				_, names = n.valueNames()
			}
			if want := slices.Contains(outcomes, OutcomeValues); want != (len(names) > 0) {
				t.Errorf("it has %d names of values; the outcome %q among its outcomes: %t", len(names), OutcomeValues, want)
			}
			var within []string
			step := Step{ID: "outer"}
			reflect.ValueOf(&step.Op).Elem().Field(i).Set(v)
			EachStep([]Step{step}, func(s *Step) { within = append(within, s.ID) })
			want := []string{"outer"}
			if has(f.Type, reflect.TypeFor[Step]()) {
				want = append(want, "inner")
			}
			if diff := cmp.Diff(want, within); diff != "" {
				t.Errorf("EachStep (-want +got):\n%s", diff)
			}
			if got := step.Op.Kind(); got != jsonName(f) {
				t.Errorf("Kind() = %q, want %q", got, jsonName(f))
			}
			if step.Op.Operation() != op {
				t.Errorf("Operation() = %v, want %v", step.Op.Operation(), op)
			}
		})
	}
}

func TestAnEmptyOpIsNoOperation(t *testing.T) {
	var st Step
	lists, n := st.Op.Nested()
	if st.Op.Operation() != nil || st.Op.Kind() != "" || lists != nil || n != 0 || st.String() != "" {
		t.Errorf("Operation() = %v, Kind() = %q, Nested() = %v, %d, String() = %q; want none of these", st.Op.Operation(), st.Op.Kind(), lists, n, st.String())
	}
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		op   Op
		want string
	}{
		{Op{Socket: &SocketOp{}}, "tcp"},
		{Op{Socket: &SocketOp{Type: "udp", As: "a"}}, "udp"},
		{Op{Setsockopt: &Setsockopt{Options: []SockOption{{Name: "A", Value: "1"}, {Name: "B", Value: "x"}}}}, "A=1, B=x"},
		{Op{Bind: &Bind{Address: "server.2", Port: 80}}, "server.2:80"},
		{Op{Bind: &Bind{Port: 80}}, ":80"},
		{Op{Listen: &Listen{Port: 80}}, ":80"},
		{Op{Listen: &Listen{}}, ""},
		{Op{Accept: &Accept{}}, ""},
		{Op{Accept: &Accept{As: "first"}}, "as first"},
		{Op{Connect: &Connect{To: "server:80", Nonblock: true}}, "server:80"},
		{Op{Send: &Send{Data: Data{Text: "hello"}}}, `"hello"`},
		{Op{Send: &Send{Data: Data{Text: "a text of ä few words more"}}}, `"a text of ä few w..."`},
		{Op{Send: &Send{Data: Data{Hex: "00ff"}}}, "hex"},
		{Op{Send: &Send{Data: Data{Bytes: 3000}}}, "3000 bytes"},
		{Op{Send: &Send{Data: Data{Bytes: 1}}}, "1 byte"},
		{Op{Recv: &Recv{}}, ""},
		{Op{Recv: &Recv{Bytes: 64}}, "until 64 bytes"},
		{Op{Recv: &Recv{Max: 4}}, "at most 4"},
		{Op{Recv: &Recv{Bytes: 64, Max: 4, Flags: []string{"dontwait"}}}, "until 64 bytes, at most 4, dontwait"},
		{Op{Recv: &Recv{Until: "eof"}}, "until eof"},
		{Op{Recv: &Recv{Flags: []string{"peek", "dontwait"}}}, "peek,dontwait"},
		{Op{Sendto: &Sendto{To: "server:53"}}, "server:53"},
		{Op{Recvfrom: &Recvfrom{}}, ""},
		{Op{Recvfrom: &Recvfrom{Flags: []string{"peek"}}}, "peek"},
		{Op{Recvfrom: &Recvfrom{Max: 1}}, "at most 1"},
		{Op{Segment: &Segment{}}, ""},
		{Op{Segment: &Segment{To: "server:80", Flags: []string{"SYN"}, Seq: "1000"}}, "SYN to server:80, seq 1000"},
		{Op{Segment: &Segment{Flags: []string{"RST", "ACK"}, Seq: "next+100", Ack: "next"}}, "RST-ACK, seq next+100, ack next"},
		{Op{Segment: &Segment{Data: Data{Text: "x"}}}, `"x"`},
		{Op{Segment: &Segment{Flags: SegmentFlags{}, Data: Data{Text: "x"}}}, `no flags, "x"`},
		{Op{Segment: &Segment{To: "server:53", UDP: true, Data: Data{Bytes: 512}}}, "UDP to server:53, 512 bytes"},
		{Op{Segment: &Segment{To: "server", ICMP: "echo-request"}}, "ICMP echo-request to server"},
		{Op{Flood: &Flood{To: "server:80", Count: 1000}}, "server:80, 1000 SYNs"},
		{Op{Poll: &Poll{}}, ""},
		{Op{Poll: &Poll{For: []string{"in", "out"}}}, "in,out"},
		{Op{Shutdown: &Shutdown{How: "write"}}, "write"},
		{Op{Close: &Close{}}, ""},
		{Op{Getsockopt: &Getsockopt{Option: "SO_ERROR"}}, "SO_ERROR"},
		{Op{TCPInfo: &TCPInfo{}}, ""},
		{Op{Sockstat: &Sockstat{}}, ""},
		{Op{Sleep: &Sleep{For: Duration(1500 * time.Millisecond)}}, "1.5s"},
		{Op{Signal: &Signal{Name: "ready"}}, "ready"},
		{Op{Wait: &Wait{Event: "server.accept"}}, "server.accept"},
		{Op{Exec: &Exec{Launch: Launch{Command: []string{"ss", "-tan"}}}}, "ss -tan"},
		{Op{Kill: &Kill{Actor: "server"}}, "server"},
		{Op{Kill: &Kill{Program: "server.web", Signal: "HUP"}}, "server.web, HUP"},
		{Op{Start: &Start{Launch: Launch{Command: []string{"nginx", "-v"}}}}, "nginx -v"},
		{Op{Stop: &Stop{Program: "server.web"}}, "server.web"},
		{Op{Stop: &Stop{Program: "server.web", Ending: Ending{Signal: "QUIT"}}}, "server.web, QUIT"},
		{Op{Kill: &Kill{Actor: "server", Signal: "STOP"}}, "server, STOP"},
		{Op{Blocked: &Blocked{Actor: "client"}}, "client"},
		{Op{Sysctl: &SysctlOp{Set: []Sysctl{{Name: "net.a", Value: "1"}, {Name: "net.b", Value: "2 3"}}}}, "net.a=1, net.b=2 3"},
		{Op{Sysctl: &SysctlOp{Host: "server", Set: []Sysctl{{Name: "net.a", Value: "1"}}}}, "server: net.a=1"},
		{Op{Limit: &Limit{Nofile: 64}}, "nofile=64"},
		{Op{Limit: &Limit{Nofile: 64, Processes: 100}}, "nofile=64, processes=100"},
		{Op{Link: &LinkOp{State: "down"}}, "down"},
		{Op{Link: &LinkOp{Host: "server", State: "up"}}, "server: up"},
		{Op{Repeat: &Repeat{Times: 1}}, "1 time"},
		{Op{Repeat: &Repeat{Times: 3}}, "3 times"},
		{Op{Parallel: &Parallel{Branches: [][]Step{{}, {}}}}, "2 lists"},
	} {
		t.Run(tt.op.Kind()+"("+tt.want+")", func(t *testing.T) {
			if got := tt.op.Operation().Arguments(); got != tt.want {
				t.Errorf("Arguments() = %q, want %q", got, tt.want)
			}
		})
	}
}
