#!/bin/sh
# Compiles tracepoint.c and calls.c to objects and writes the Go code that embeds them. Called by go generate, in the folder of
# the package; make bpf installs what it needs: clang, llvm-strip, the headers of libbpf, and go.
set -eu

# The file names in BTF are relative, so that an object is the same wherever it is made.
export LC_ALL=C

compile() { # STEM PREFIX -type...
	stem=$1 prefix=$2
	shift 2
	hash=$(cat bpf/kernel.h bpf/record.h bpf/ring.h "bpf/$stem.c" | sha256sum | cut -d ' ' -f 1)
	go tool bpf2go -output-stem "$stem" -target bpfel -tags linux -go-package tracepoint "$@" \
		"$prefix" "bpf/$stem.c" -- \
		-O2 -Wall -Werror -Ibpf -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. -DSOURCE="\"$hash\""
}

compile tracepoint bpf -type head -type transition -type drop -type retransmit -type reset -type probe
compile calls callsBpf -type head -type call -type thread -type left_key
