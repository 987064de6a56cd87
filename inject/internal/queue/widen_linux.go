package queue

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"

	"halfopen/internal/mmsg"
)

// wholePackets is the most bytes of a packet.
const wholePackets = 0xffff

// Widen makes the engine see whole packets from now on, for a rule that is added. It must not be called
// while the caller keeps [Config.Struck] from returning; it gives up when patience ends.
func (q *Queue) Widen(patience <-chan time.Time) error {
	if q.Whole {
		return nil
	}
	q.mu.Lock()
	q.widen = true
	q.mu.Unlock()
	// The first answer comes when the reader has the room, the second when the kernel knows.
	for _, attributes := range [][]*nl.RtAttr{
		nil, {nl.NewRtAttr(nfqaCfgParams, append(binary.BigEndian.AppendUint32(nil, wholePackets), nfqnlCopyPacket))},
	} {
		done := make(chan struct{})
		q.mu.Lock()
		number, err := q.nf.configure(attributes...)
		if err == nil {
			q.settling[number] = done
		}
		q.mu.Unlock()
		if err != nil {
			return fmt.Errorf("widening the queue on %s: %w", q.Host, err)
		}
		select {
		case <-done:
		case <-patience:
			return fmt.Errorf("widening the queue on %s: it is busy; try again", q.Host)
		}
	}
	q.Whole = true
	return nil
}

// makeRoom gives the reader room for whole packets, if Widen asks for it. It is called by the reader, with
// mu held.
func (q *Queue) makeRoom() error {
	if !q.widen {
		return nil
	}
	q.widen = false // if it fails, not with every packet again
	in, err := mmsg.New(batchSize, wholePackets+besides)
	if err != nil {
		return fmt.Errorf("widening: %w", err)
	}
	q.nf.in.Close()
	q.nf.in = in
	return nil
}
