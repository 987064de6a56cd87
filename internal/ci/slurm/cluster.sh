#!/bin/bash
# A cluster of Slurm on this machine, in new namespaces: a controller and two nodes, which end with this script. Run it as root by
# test.sh:
#
#   unshare --mount --net --pid --fork --mount-proc --kill-child internal/ci/slurm/cluster.sh DIR COMMAND [ARG]...
#
# DIR has the state of the cluster. COMMAND runs with SLURM_CONF set, and can source this file for node and power_off.
set -euo pipefail

# node NAME switches a node on. It is a PID namespace: what runs on it ends with it.
node() {
	unshare --pid --fork --mount --mount-proc --kill-child slurmd -D -N "$1" >>"$CLUSTER/$1.log" 2>&1 &
	echo $! >"$CLUSTER/$1.pid"
}

# power_off NAME kills a node, as a loss of power does: slurmd and all jobs on it at once.
power_off() { kill -KILL "$(cat "$CLUSTER/$1.pid")"; }

# wait_for SECONDS COMMAND [ARG]... waits until a command succeeds.
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		if [ $SECONDS -ge $until ]; then
			echo "this did not come true in time: $*" >&2
			return 1
		fi
		sleep 0.2
	done
}

idle() { [ "$(sinfo --noheader --format=%T --nodes=node1,node2)" = idle ]; }

start() {
	mkdir -p "$CLUSTER/state" "$CLUSTER/munge"
	chmod 700 "$CLUSTER/munge"
	head -c 1024 /dev/urandom >"$CLUSTER/munge/key"
	chmod 600 "$CLUSTER/munge/key"
	cat >"$CLUSTER/slurm.conf" <<-END
		ClusterName=halfopen
		SlurmctldHost=$(hostname)(127.0.0.1)
		SlurmctldPort=16817
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		CredType=cred/munge
		AuthInfo=socket=$CLUSTER/munge/socket,cred_expire=5
		StateSaveLocation=$CLUSTER/state
		SlurmdSpoolDir=$CLUSTER/spool.%n
		SlurmctldPidFile=$CLUSTER/slurmctld.pid
		SlurmdPidFile=$CLUSTER/slurmd.%n.pid
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		MpiDefault=none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		SchedulerParameters=sched_interval=2,batch_sched_delay=1
		JobRequeue=1
		ReturnToService=2
		SlurmdTimeout=6
		InactiveLimit=0
		KillWait=5
		MinJobAge=600
		NodeName=node1 NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=16818 CPUs=1
		NodeName=node2 NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=16819 CPUs=1
		PartitionName=all Nodes=node1,node2 Default=YES State=UP
	END
	# getaddrinfo(3) finds no address, not even 127.0.0.1, on a machine that has only a loopback device.
	ip link set lo up
	ip link add cluster type veth peer name other
	ip address add 192.0.2.1/24 dev cluster
	ip link set cluster up
	munged --force --key-file="$CLUSTER/munge/key" --socket="$CLUSTER/munge/socket" \
		--pid-file="$CLUSTER/munge/pid" --log-file="$CLUSTER/munge/log" --seed-file="$CLUSTER/munge/seed"
	slurmctld -D >"$CLUSTER/slurmctld.log" 2>&1 &
	node node1
	node node2
	wait_for 60 idle
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	CLUSTER=$1
	shift
	export CLUSTER SLURM_CONF=$CLUSTER/slurm.conf
	start
	"$@"
fi
