package harness_test

import (
	"os"
	"testing"
)

// Programs find hosts in /etc/hosts, other names at the lab's name server, and those that nobody has
// at once: they never ask the machine's resolver. Faults strike the questions and the answers.
func TestProgramsFindNames(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestProgramsFindNames")
		})
	}
	runs(t, `
name: names
title: Programs find the names of a lab
ip: [v4, v6]
hosts: {client: {}, server: {addresses: 2}, ns: {}}
dns:
  server: ns
  records:
    www.example.test: [server, "2001:db8::1", 192.0.2.7]
    alias.test: server.2
    empty.test: []
actors:
  client:
    - exec: "getent ahosts www.example.test | awk '{print $1}' | uniq"
    - {exec: "getent hosts alias.test | awk '{print $2}'", id: alias}
    - {exec: "getent hosts empty.test; echo $?; getent hosts unknown.test; echo $?", id: none}
    - {exec: "grep -c server.2 /etc/hosts; cat /etc/resolv.conf", id: files}
expect:
  - {process: client.exec, stdout: {matches: "^(198.18.2.2\n198.18.2.3\n192.0.2.7|2001:2:0:2::2\n2001:2:0:2::3\n2001:db8::1)\n$"}, took: "< 3s"}
  - {process: client.alias, stdout: alias.test}
  - {process: client.none, stdout: "2\n2", took: "< 3s"}
  - {process: client.files, stdout: {matches: "^1\nnameserver (198.18.3.2|2001:2:0:3::2)\n$"}}
  - {packets: {from: ns, udp: any, sport: 53}, count: ">= 6"}
`)
	runs(t, `
name: asked
title: The hosts of a lab are asked for, and one question is lost
hosts: {client: {}, server: {}, ns: {}}
dns: {server: ns, hosts-file: false}
resolv: {nameservers: [ns.absent, ns], options: "timeout:1 attempts:2"}
faults:
  unanswered: {match: {from: client, to: ns, udp: any, dport: 53}, first: 1, do: drop}
actors:
  client:
    - {exec: "cat /etc/resolv.conf", id: file}
    - {exec: "getent ahostsv4 server", id: look-up}
expect:
  - {process: client.file, stdout: "nameserver 198.18.3.250\nnameserver 198.18.3.2\noptions timeout:1 attempts:2"}
  - {process: client.look-up, exit: 0, stdout: {contains: 198.18.2.2}, took: ">= 2s"}
`)
	runs(t, `
name: nobody
title: Without a name server an unknown name fails at once
hosts: {client: {}, server: {}}
actors:
  client:
    - exec: "getent hosts server client; getent hosts www.example.test"
    - {exec: "getent hosts $(uname -n)", id: own-name}
expect:
  - {process: client.own-name, exit: 0, stdout: {contains: client}, took: "< 3s"}
  - {process: client.exec, exit: 2, stdout: {matches: "server\n.*client\n$"}, took: "< 3s"}
`)
}
