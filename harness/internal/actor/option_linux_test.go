package actor

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

func TestOptionsReadAsTheyWereSet(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"SO_KEEPALIVE", "1", "1"},
		{"SO_LINGER", "off", "off"},
		{"SO_LINGER", "0s", "0s"},
		{"SO_LINGER", "2s", "2s"},
		{"SO_RCVTIMEO", "1500ms", "1.5s"},
		{"SO_SNDTIMEO", "1s", "1s"},
		{"SO_SNDBUF", "20000", "40000"}, // socket(7): the kernel doubles it
		{"TCP_NODELAY", "1", "1"},
		{"TCP_CORK", "1", "1"},
		{"TCP_KEEPIDLE", "7", "7"},
		{"TCP_KEEPINTVL", "8s", "8"},
		{"TCP_KEEPCNT", "9", "9"},
		{"TCP_USER_TIMEOUT", "3s", "3000"},
		{"TCP_USER_TIMEOUT", "250", "250"},
		{"TCP_CONGESTION", "reno", "reno"},
		{"TCP_SYNCNT", "3", "3"},
		{"IP_TTL", "5", "5"},
		{"IP_TOS", "16", "16"},
		{"IP_TOS", "0x10", "16"},
	} {
		t.Run(tt.name+" "+tt.value, func(t *testing.T) {
			o := outcomes(t, step("l", listenOn(4000)), step("c", connectTo("127.0.0.1:4000")),
				step("set", set(tt.name, tt.value)), step("get", get(tt.name)))
			if s := o["set"]; s.Errno != "" || s.Problem != "" {
				t.Fatalf("setting it: %q, %q", s.Errno, s.Problem)
			}
			if got := o["get"].Value; got != tt.want {
				t.Errorf("it reads %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOptionsThatCannotBeSet(t *testing.T) {
	for _, tt := range []struct{ name, value, problem string }{
		{"SO_SNDTIMEO", "soon", "SO_SNDTIMEO"},
		{"SO_LINGER", "1500ms", "not a multiple of 1s"},
		{"SO_KEEPALIVE", "yes", `"yes" is not a number`},
		{"SO_ERROR", "0", "can only be read"},
		{"SIOCINQ", "0", "can only be read"},
		{"SO_NONSENSE", "1", "unknown socket option SO_NONSENSE"},
	} {
		t.Run(tt.name+" "+tt.value, func(t *testing.T) {
			o := outcomes(t, step("l", listenOn(4001)), step("set", set(tt.name, tt.value)))
			if got := o["set"].Problem; !strings.Contains(got, tt.problem) {
				t.Errorf("the problem is %q, want %q", got, tt.problem)
			}
		})
	}
}

func TestTheFirstBadOptionStops(t *testing.T) {
	o := outcomes(t, step("l", listenOn(4002)), step("c", connectTo("127.0.0.1:4002")),
		step("set", set("TCP_KEEPCNT", "3", "TCP_KEEPIDLE", "0", "TCP_KEEPINTVL", "5")),
		step("first", get("TCP_KEEPCNT")), step("third", get("TCP_KEEPINTVL")))
	if s := o["set"]; s.Errno != "EINVAL" || s.Value != "TCP_KEEPIDLE" {
		t.Errorf("setting them ended with %q at %q, want EINVAL at TCP_KEEPIDLE", s.Errno, s.Value)
	}
	if first, third := o["first"].Value, o["third"].Value; first != "3" || third == "5" {
		t.Errorf("the first option is %s, the third %s, want 3 and not 5", first, third)
	}
}

func TestQueues(t *testing.T) {
	o := conversation(t, 4003, on("c", step("send", sendText("unread"))),
		on("s", step("in", get("SIOCINQ"))), on("c", step("out", get("SIOCOUTQ"))), on("c", step("unsent", get("SIOCOUTQNSD"))))
	for id, want := range map[string]string{"in": "6", "out": "0", "unsent": "0"} {
		if got := o[id].Value; got != want {
			t.Errorf("%s is %q, want %s", id, got, want)
		}
	}
}

func TestTCPInfo(t *testing.T) {
	o := conversation(t, 4004, on("c", step("send", sendText("12345"))), on("s", step("recv", recvOp())), on("c", step("tcp_info", infoOp())))
	info := o["tcp_info"]
	if info.Errno != "" {
		t.Fatal(info.Errno)
	}
	const established = 1
	for name, want := range map[string]int64{
		"state": established, "bytes_acked": 6, "data_segs_out": 1, "unacked": 0, "retransmits": 0, // the SYN counts as acknowledged
	} {
		if got, ok := info.Values[name]; !ok || got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"rto", "rtt", "snd_cwnd", "snd_mss", "snd_wscale", "rcv_wscale", "snd_wnd"} {
		if info.Values[name] <= 0 {
			t.Errorf("%s is %d, want more than 0", name, info.Values[name])
		}
	}
	for name := range info.Values {
		if strings.ToLower(name) != name || strings.HasPrefix(name, "tcpi_") || name == "_" {
			t.Errorf("a field is named %q", name)
		}
	}
}

func TestInfoOfAnOlderKernel(t *testing.T) {
	values := infoValues(&sampleInfo, 104) // up to tcpi_total_retrans, as Linux 2.6 had it
	if _, ok := values["total_retrans"]; !ok || values["snd_cwnd"] != int64(sampleInfo.Snd_cwnd) {
		t.Errorf("values %v, want total_retrans, and snd_cwnd %d", values, sampleInfo.Snd_cwnd)
	}
	if v, ok := values["pacing_rate"]; ok {
		t.Errorf("pacing_rate is %s although the kernel did not report it", strconv.FormatInt(v, 10))
	}
}

var sampleInfo = unix.TCPInfo{Snd_cwnd: 10, Total_retrans: 2, Pacing_rate: 3}

func infoOp() language.Op { return language.Op{TCPInfo: &language.TCPInfo{}} }
