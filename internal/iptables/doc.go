// Package iptables changes and reads rules of netfilter by github.com/coreos/go-iptables, which runs
// the programs iptables and ip6tables and waits for them as long as they like. Within bounds that.
package iptables
