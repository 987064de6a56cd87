// Package queue carries out the faults that must look at packets one by one. The kernel hands
// packets to it through NFQUEUE and waits for a verdict on each.
//
// An [Engine] decides, and is pure: bytes and times in, a [Decision] out. A [Queue] carries out the
// decisions. All packets that must wait are released by one [schedule] on one thread, so that order
// is kept where it must be.
//
// A packet meets the rules in the order of the file. Each rule looks at the packet as it arrived,
// whatever earlier rules have changed. A rule that drops the packet ends evaluation.
package queue
