package fault

import (
	"fmt"
	"time"

	"halfopen/inject/network"
)

// passages is how many links and queues a packet and the answer to it pass at most: those of the
// sender, of the wire and of the receiver, and the same on the way back.
const passages = 6

// settlePatience bounds the time of [Injector.Settle].
const settlePatience = 2 * time.Second

// Settle returns when every packet that was sent before its call has met all faults on its way, and
// so has the answer to it that a kernel sent. Packets that a fault delays or holds have met that
// fault; Settle does not wait for the rest of their way. If this takes more than 2 s, the function
// Failed of the injector's options is called. Settle may be called while other methods are, and
// calls Struck.
func (i *Injector) Settle() error {
	if len(i.plan.Faults)+len(i.plan.Watches) == 0 {
		return nil
	}
	backlog, err := network.OpenBacklog()
	if err != nil {
		return fmt.Errorf("waiting for packets on their way: %w", err)
	}
	defer backlog.Close() // no marker is left
	end := time.Now().Add(settlePatience)
	patience := time.After(settlePatience)
	for range passages {
		ok, err := backlog.Settle(time.Until(end))
		if err != nil {
			return fmt.Errorf("waiting for packets on their way: %w", err)
		}
		for _, q := range i.queues {
			if ok {
				if ok, err = q.Settle(patience); err != nil {
					return err
				}
			}
		}
		if !ok {
			i.failed(fmt.Errorf("%v after the last step some packets had not met all faults yet: "+
				"hits may be missing", settlePatience))
			return nil
		}
	}
	return nil
}
