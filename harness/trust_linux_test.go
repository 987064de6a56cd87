package harness_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A program of a scenario, as root of the machine or as an ordinary user, can change nothing outside
// its lab, and reaches none of its processes and of the sockets in folders that are private.
func TestProgramsCannotTouchTheMachine(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestProgramsCannotTouchTheMachine")
		})
	}
	dir, err := os.MkdirTemp("/tmp", "halfopen-trust")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("HALFOPEN_TEST_SECRET", "passed on")
	t.Setenv("SECRET", "kept back")

	// A folder that the caller of the command has open, as a shell's exec 9< leaves it.
	inherited, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inherited)

	attempts := []string{
		fmt.Sprintf("test -e /proc/self/fd/%d", inherited),
		fmt.Sprintf("echo x > /proc/self/fd/%d/x", inherited),
		"touch /x",
		"mv /lib64 /x || mv /bin /x",
		"echo x > /etc/halfopen-test",
		"echo x > /usr/bin/halfopen-test",
		"echo 6 > /proc/sys/kernel/printk_ratelimit",
		"echo h > /proc/sysrq-trigger",
		"umount /proc && ls /proc | grep -q '^[0-9]'",
		"mount -t proc proc /mnt",
		"mount -t devtmpfs none /tmp",
		"mount -o remount,rw,bind /etc",
		"mknod /tmp/disk b 254 0",
		fmt.Sprintf("ls /proc/%d/ns", os.Getpid()),
		fmt.Sprintf("test -S %s", socket),
		"nsenter -t 1 -n true",
		"cat /proc/1/environ",
		"date -s 2000-01-01",
		`test -n "$SECRET"`,
		"ls /dev/vda /dev/sda /dev/mem /dev/kmsg",
	}
	steps, expect := "", ""
	for i, a := range attempts {
		steps += fmt.Sprintf("    - {exec: [sh, -c, %q], id: try-%d}\n", a, i)
		expect += fmt.Sprintf("  - {process: client.try-%d, exit: \">= 1\"}\n", i)
	}
	runs(t, fmt.Sprintf(`
name: trust
title: A program cannot touch the machine
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
%s    - {exec: "cat /proc/self/status", id: status}
    - {exec: "echo $HALFOPEN_TEST_SECRET$SECRET", id: env}
    - {exec: {command: "echo $SECRET $MORE; pwd", env: {inherit: SECRET, MORE: 1}, dir: /usr}, id: asked}
    - {exec: "echo 5 > /proc/sys/net/ipv4/tcp_syn_retries && touch /tmp/x $HOME/x /var/tmp/x /run/x", id: own}
    - {exec: "ip link add dev d0 type veth peer name d1 && iptables -L -n", id: net}
expect:
%s  - {process: client.status, stdout: {matches: "(?m)^NoNewPrivs:\\s1$"}}
  - {process: client.env, stdout: passed on}
  - {process: client.asked, stdout: "kept back 1\n/usr"}
  - {process: client.own, exit: 0}
  - {process: client.net, exit: 0}
`, steps, expect))
}
