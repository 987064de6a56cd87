package packet

// Effect is what a fault did to a packet. The queue reports it, the trace keeps it, ladders show
// it.
type Effect string

// The effects.
const (
	EffectDropped    Effect = "dropped"
	EffectRejected   Effect = "rejected"
	EffectReset      Effect = "reset"
	EffectDelayed    Effect = "delayed"
	EffectHeld       Effect = "held"
	EffectReordered  Effect = "reordered"
	EffectDuplicated Effect = "duplicated"
	EffectCorrupted  Effect = "corrupted"
	EffectRewritten  Effect = "rewritten"
	// EffectToBeReplayed says that the packet goes on and a copy of it will be sent later.
	EffectToBeReplayed Effect = "to be replayed"
)

// Changes reports whether the packet goes on with other bytes.
func (e Effect) Changes() bool { return e == EffectCorrupted || e == EffectRewritten }

// Lost reports whether the packet itself goes no further, neither now nor later.
func (e Effect) Lost() bool { return e == EffectDropped || e == EffectRejected }
