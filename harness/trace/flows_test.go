package trace

import "testing"

func TestFlowsAreKeptAsTheyWere(t *testing.T) {
	for name, f := range map[string]Flow{
		"none":                          {},
		"a SYN":                         {Conn: 1, Opener: true},
		"its answer":                    {Conn: 1, Ack: 1},
		"the first byte":                {Conn: 2, Seq: 1, Ack: 1, Opener: true},
		"a RST that refuses a SYN":      {Conn: 1, Ack: 1, Offset: -1},
		"a byte past 4 GiB":             {Conn: 1 << 31, Seq: 5<<30 + 1, Ack: 5 << 30, Offset: 5 << 30},
		"a byte before the first one":   {Conn: 7, Seq: -9, Offset: -10},
		"a retransmission":              {Conn: 7, Seq: 2, Offset: 1, Retransmission: true},
		"a FIN on data that came again": {Conn: 7, Seq: 2, Offset: 1, Retransmission: true, Partial: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := small(f)
			if got := s.flow(); got != f {
				t.Errorf("got %+v, want %+v", got, f)
			}
		})
	}
}
