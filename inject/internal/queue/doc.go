// Package queue carries out the faults that need to look at packets one by one. The kernel hands packets to it through
// NFQUEUE and waits for a verdict on each.
//
// An [Engine] decides, and is pure: bytes and times in, a [Decision] out. A [Queue] does what was decided. All releases of
// packets that must wait go through one [schedule] on one thread, so that order is kept where it should be.
//
// A packet meets the rules in the order of the file. Each looks at the packet as it arrived, whatever rules before it have
// changed; a rule that takes the packet away ends its way.
package queue
