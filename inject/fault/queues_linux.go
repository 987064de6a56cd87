package fault

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"halfopen/inject/internal/queue"
	"halfopen/internal/iptables"
)

// openQueues opens the queue of each host that needs one.
func (i *Injector) openQueues(o Options) error {
	rules, watches, hosts := i.plan.queueRules()
	if len(hosts) == 0 {
		return nil
	}
	engine, err := queue.NewEngine(rules, o.Hosts, o.Seed)
	if err != nil {
		return err
	}
	for _, w := range watches {
		if err := engine.Watch(w); err != nil {
			return fmt.Errorf("the event %s: %w", w.Event, err)
		}
	}
	whole := slices.ContainsFunc(rules, (*queue.Rule).NeedsPayload) ||
		slices.ContainsFunc(watches, (*queue.Watch).NeedsPayload)
	i.engine = engine
	for _, host := range hosts {
		if err := i.openQueue(host, whole); err != nil {
			return err
		}
	}
	return nil
}

// openQueue opens the queue of a host. With whole, it sees whole packets.
func (i *Injector) openQueue(host string, whole bool) error {
	o := &i.options
	q, err := queue.Open(queue.Config{
		Host:      host,
		Namespace: i.net.Host(host),
		Engine:    i.engine,
		Whole:     whole,
		Offloads:  i.plan.Offloads,
		Now:       o.Now,
		Struck: func(host string, s queue.Strike) {
			if o.Struck != nil {
				o.Struck(host, Strike{s.Fault, s.N, s.At, string(s.Effect), s.By, s.Packet})
			}
		},
		Seen: func(host string, s queue.Sighting) {
			if o.Seen != nil {
				o.Seen(host, Sighting{s.Event, s.N, s.At, s.Packet})
			}
		},
		Late:   o.Late,
		Failed: i.failed,
	})
	if err != nil {
		return err
	}
	i.queues = append(i.queues, q)
	i.undo = append(i.undo, q.Close)
	return nil
}

// fillQueue sends a hook's packets to the host's queue for the whole run. Connections are thus
// followed from their beginning, and no packet in flight is disturbed when a fault comes or goes.
func (i *Injector) fillQueue(r *QueueRule) error {
	i.undo = append(i.undo, func() error {
		return i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
			return t.DeleteIfExists("mangle", r.Hook, r.Spec()...)
		})
	})
	return i.iptables(r.Host, r.Family, func(t *iptables.Tables) error {
		if err := t.Append("mangle", r.Hook, r.Spec()...); err != nil {
			return fmt.Errorf("adding the rule of the queue to %s on %s: %w", r.Hook, r.Host, err)
		}
		return nil
	})
}

// setSysctls sets the parameters that a rule needs. Those that the kernel does not have are not
// needed. They stay when the injector is closed: the host goes soon.
func (i *Injector) setSysctls(r *QueueRule) error {
	for _, s := range r.Sysctls {
		err := i.net.Host(r.Host).SetSysctl(s.Name, s.Value)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// queue returns the queue of a host; nil if it has none.
func (i *Injector) queue(host string) *queue.Queue {
	at := slices.IndexFunc(i.queues, func(q *queue.Queue) bool { return q.Host == host })
	if at < 0 {
		return nil
	}
	return i.queues[at]
}
