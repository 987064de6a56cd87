# make run     the built-in scenarios that take under 20 s, in parallel, with a closing table
# make test    the tests; as root, or where user namespaces are allowed, also those that need a lab
# make lint    vet, staticcheck, gofumpt, go mod tidy
# make bench   what halfopen promises of speed, accuracy and memory, measured: each figure with its goal; as root
# make docs    write docs/scenarios/ again, from the built-in scenarios
# make test-kernels   the built-in scenarios on other kernels, in virtual machines: a table scenario x kernel
# Each installs what it needs first; see deps and deps-vm.

GO      ?= go
BIN     := bin/halfopen
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# Where Debian keeps ip and iptables, which an ordinary user's PATH leaves out.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

# RACE=1 runs the tests under the race detector, which needs a C compiler.
ifdef RACE
RACEFLAG := -race
CC_DEPS  := gcc
endif

.PHONY: all build run test test-kernels lint bench docs deps deps-vm install clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./cmd/halfopen

run: deps build
	$(BIN) run $(ARGS)

PKGS ?= ./...

# One package after the other: tests of labs measure time, and need the machine for themselves.
test: deps
	$(GO) build $(RACEFLAG) ./...
	$(GO) test $(RACEFLAG) -p 1 -timeout 40m $(ARGS) $(PKGS)

lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@unformatted=$$($(GO) tool gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not gofumpt-formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff

# The kernels to run the library on besides the running one; each is got from the package archive if it is not there.
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

# A no-op, without use of the network, where nothing is missing.
deps:
	@internal/deps/deps.sh iptables ip sysctl tcpdump $(CC_DEPS)

# QEMU, and a kernel in the user's cache: for warped time and other kernels.
deps-vm: deps build
	@internal/deps/deps.sh qemu-system-x86_64
	@$(BIN) kernel get 6.1

install: deps
	CGO_ENABLED=0 $(GO) install -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' ./cmd/halfopen

clean:
	rm -rf bin out
