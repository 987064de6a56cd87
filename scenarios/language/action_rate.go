package language

// DefaultRateQueue is the length of the queue of a [Rate] that sets none, in bytes.
const DefaultRateQueue = 64 << 10

// Rate limits the bandwidth.
type Rate struct {
	To    BitRate `yaml:",short" json:"to" jsonschema_description:"Bandwidth, such as 1mbit or 500kbit."`
	Queue Size    `json:"queue,omitempty" jsonschema_description:"Length of the queue in bytes; packets that do not fit are lost. Default: 64kB."`
	Burst Size    `json:"burst,omitempty" jsonschema_description:"Bytes that may pass at once. Default: 3kB."`
}

func (a *Rate) check(v *validation, f *Fault) {
	if v.has(&a.Queue) && a.Queue == 0 {
		v.errorf(&a.Queue, f.Pos, "rate: invalid queue 0: nothing would pass; want 1 or more")
	}
}

func (*Rate) effects() Effects { return Effects{Holds: Indefinite} }
