package language

// Loss loses packets in bursts: the Gilbert-Elliott model with a good and a bad state.
type Loss struct {
	GoodToBad Percent  `json:"good-to-bad" jsonschema_description:"Probability, for each packet, of a change from the good state to the bad one."`
	BadToGood Percent  `json:"bad-to-good" jsonschema_description:"Probability, for each packet, of a change from the bad state to the good one."`
	InBad     *Percent `json:"in-bad,omitempty" jsonschema_description:"Probability of loss in the bad state. Default: 100%."`
	InGood    *Percent `json:"in-good,omitempty" jsonschema_description:"Probability of loss in the good state. Default: 0%."`
}

func (*Loss) check(*validation, *Fault) {}

func (*Loss) effects() Effects { return Effects{} }
