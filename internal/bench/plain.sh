#!/bin/sh
# Builds and removes, by hand, the lab of halfopen's connect-refused: three namespaces, two links, addresses, routes, forwarding
# and one iptables rule. Run it as root. Only make bench uses it, for comparison.
set -eu
id=bench$$
client=$id-client wire=$id-wire server=$id-server

cleanup() {
	ip netns del "$client" 2>/dev/null || true
	ip netns del "$wire" 2>/dev/null || true
	ip netns del "$server" 2>/dev/null || true
}
trap cleanup EXIT INT TERM

ip netns add "$client"
ip netns add "$wire"
ip netns add "$server"

ip link add client netns "$wire" type veth peer name eth0 netns "$client"
ip link add server netns "$wire" type veth peer name eth0 netns "$server"

ip -n "$client" addr add 198.18.1.2/24 dev eth0
ip -n "$wire" addr add 198.18.1.1/24 dev client
ip -n "$wire" addr add 198.18.2.1/24 dev server
ip -n "$server" addr add 198.18.2.2/24 dev eth0

ip -n "$client" link set lo up
ip -n "$server" link set lo up
ip -n "$wire" link set client up
ip -n "$wire" link set server up
ip -n "$client" link set eth0 up
ip -n "$server" link set eth0 up

ip -n "$client" route add default via 198.18.1.1
ip -n "$server" route add default via 198.18.2.1
ip netns exec "$wire" sysctl -qw net.ipv4.ip_forward=1
ip netns exec "$wire" iptables -w -A FORWARD -p tcp --dport 9 -j DROP
