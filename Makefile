# make run            run the built-in scenarios, in parallel; those of 20 s or longer in warped time
# make test           run the tests; those that need a lab skip without root or user namespaces
# make test-short     run the pure tests and one lab, in under 20 s
# make test-control   run the built-in scenarios again without each of their faults and settings; some expectation must fail
# make test-busy      run the mutations of the library beside 8 busy loops: each must fail all the same, not be inconclusive
# make test-kill      kill labs, guests and the programs that run them 1000 times (KILLS=n); nothing may be left
# make test-slurm     as root: run the library as an array job of Slurm, on a cluster on this machine, and merge it (docs/ci.md)
# make test-manifests hold the manifests for Kubernetes in docs/examples to the types of its API
# make test-docker    as root: build the container image and run the library in it (docs/ci.md)
# make test-gotest    run the examples of Go tests in docs/examples/gotest, with pgx and grpc-go
# make lint           build and vet for Linux, macOS and Windows; run staticcheck, gofumpt and go mod tidy
# make bench          as root: measure speed, accuracy and memory, each figure with its goal
# make docs           write docs/scenarios/ again, from the built-in scenarios
# make test-kernels   run the built-in scenarios on other kernels, in virtual machines: a table scenario x kernel
# make module         give the Go module another path: go.mod, imports, documents
# make bpf            compile the eBPF programs again, after a change in harness/internal/tracepoint/bpf
# make deps-programs  install the servers and clients that scenarios of the folder programs/ run, and what reads reports in
#                     tests; without one, they are skipped
# Other missing programs are installed first; see deps and deps-vm.

GO      ?= go
BIN     := bin/halfopen
# The toolchain records version and commit, but not in a worktree of git, and it fails where git refuses to look: in a
# checkout that belongs to another user. So the version is what git says; where git says nothing, nothing is recorded.
CHECKOUT := $(if $(wildcard .git),$(shell git describe --tags --always --dirty 2>/dev/null))
VERSION  ?= $(CHECKOUT)
STAMP     = -buildvcs=$(if $(CHECKOUT),auto,false) \
	$(if $(VERSION),-ldflags "-X $$($(GO) list -m)/internal/version.linked=$(VERSION)")
# Debian keeps ip and iptables here; the PATH of an ordinary user does not have these directories.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

# RACE=1: run the tests under the race detector, which needs a C compiler.
ifdef RACE
RACEFLAG := -race
CC_DEPS  := gcc
endif

.PHONY: module all build run test test-short test-control test-busy test-kill test-gotest test-kernels test-docker test-slurm test-manifests lint bench docs bpf \
	deps deps-vm deps-programs install clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath $(STAMP) -o $(BIN) ./cmd/halfopen

run: deps build
	$(BIN) run $(ARGS)

PKGS ?= ./...

# One package at a time (-p 1): tests of labs measure time, and need the machine to themselves.
test: deps
	$(GO) build $(RACEFLAG) ./...
	$(GO) test $(RACEFLAG) -p 1 -timeout 40m $(ARGS) $(PKGS)

# Every pure test and one lab, which needs nothing installed. Results of unchanged packages are cached.
test-short:
	$(GO) test $(RACEFLAG) -short $(ARGS) $(PKGS)

# What the tests do for scenarios that take 2 s at most: all of them, on both IP versions.
test-control: deps build
	$(BIN) run --control $(ARGS)

# The examples of docs/go-test.md: a module of its own, with libraries that halfopen does not need.
test-gotest: deps
	cd docs/examples/gotest && $(GO) mod tidy -diff && $(GO) test -count=1 -timeout 2m $(ARGS) ./...

# How many busy loops run beside the labs.
LOOPS ?= 8

test-busy: deps
	HALFOPEN_TEST_BUSY=$(LOOPS) $(GO) test -count=1 -timeout 20m -run TestMutationsFailOnABusyMachine $(ARGS) ./harness

# As root: half of the kills hit labs of root, 40 % those of an ordinary user, 10 % guests.
KILLS ?= 1000

test-kill: deps-vm
	HALFOPEN_KILLS=$(KILLS) $(GO) test $(RACEFLAG) -v -count=1 -timeout 60m -run 'TestKilled(Lab|Guest)LeavesNothing' $(ARGS) ./harness

# A module of its own, for it takes half a minute to compile.
test-manifests:
	cd internal/ci/manifests && $(GO) mod tidy -diff && $(GO) test -count=1 ./...

# As root. The cluster is in namespaces of its own, and ends with them. With ARGS, a part of the library.
test-slurm: deps-vm build
	@internal/deps/deps.sh slurmctld slurmd sbatch munged jq unshare
	PATH=$(CURDIR)/bin:$$PATH internal/ci/slurm/test.sh $(ARGS)

# As root. Docker's daemon is started for the test, and leaves nothing. Without a registry, the base image is made by
# debootstrap; with one: make test-docker BASE=debian:12-slim GOLANG=golang:1.26-bookworm
test-docker: deps
	@internal/deps/deps.sh dockerd docker debootstrap unshare
	HALFOPEN_TEST_DOCKER=1 BASE=$(BASE) GOLANG=$(GOLANG) $(GO) test -v -count=1 -timeout 60m -run TestImage $(ARGS) ./internal/image

# Labs need Linux; the commands that need no lab work on all of these.
SYSTEMS := linux darwin windows

lint:
	@for os in $(SYSTEMS); do \
		echo "$$os: go build, go vet"; \
		CGO_ENABLED=0 GOOS=$$os $(GO) build ./... && CGO_ENABLED=0 GOOS=$$os $(GO) vet ./... || exit; \
	done
	$(GO) tool staticcheck ./...
	@unformatted=$$($(GO) tool gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not gofumpt-formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff

# The kernels to run the library on, in addition to the running one. Missing ones come from the package archive.
KERNELS ?= 6.1 6.12

test-kernels: deps-vm build
	@for k in $(KERNELS); do $(BIN) kernel get $$k || exit; done
	$(BIN) run --warp --kernel running $(KERNELS:%=--kernel %) $(ARGS)

bench: deps build
	CGO_ENABLED=0 $(GO) run ./internal/bench -halfopen $(BIN) $(ARGS)

# The pages of the scenarios; a test fails if they are out of date.
docs: build
	rm -f docs/scenarios/*.md
	$(BIN) list --markdown --dir docs/scenarios

# The object that is committed, so that building needs no clang; a test fails if it is out of date. The same clang makes the
# same bytes.
bpf:
	@internal/deps/deps.sh clang llvm-strip
	$(GO) generate ./harness/internal/tracepoint

# If nothing is missing, this does nothing and does not use the network.
deps:
	@internal/deps/deps.sh iptables ip sysctl tcpdump strace newuidmap $(CC_DEPS)

# QEMU, and a kernel in the user's cache, for warped time and other kernels.
deps-vm: deps build
	@internal/deps/deps.sh qemu-system-x86_64
	@$(BIN) kernel get 6.1

# Where a package would start its server, deps.sh keeps it from doing so now; it may start at the next boot.
deps-programs:
	@internal/deps/deps.sh curl haproxy nginx openssl prove python3 redis-server xmllint \
		'/usr/lib/postgresql/*/bin/postgres' '/usr/lib/python3*/*-packages/requests'

install: deps
	CGO_ENABLED=0 $(GO) install -trimpath $(STAMP) ./cmd/halfopen

# Another module path, for whoever publishes it: make module MODULE=github.com/you/halfopen
module:
	$(GO) run ./internal/module $(MODULE)
	$(GO) tool gofumpt -w .
	$(GO) mod tidy
	cd docs/examples/gotest && $(GO) mod tidy

clean:
	rm -rf bin out
