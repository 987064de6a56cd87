// Package network builds a scenario's hosts: network namespaces, veth links, addresses, routes and
// sysctls.
//
// [Plan] plans a [Topology], which is pure data. [Build] builds it, in a process that is root in
// the user namespace of its network namespace. In the shape wire, the network namespace of the
// calling process becomes the wire.
package network
