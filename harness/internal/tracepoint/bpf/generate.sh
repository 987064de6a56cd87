#!/bin/sh
# Compiles tracepoint.c to tracepoint_bpfel.o and writes the Go code that embeds it. Called by go generate, in the folder of
# the package; make bpf installs what it needs: clang, llvm-strip, the headers of libbpf, and go.
set -eu

hash=$(cat bpf/kernel.h bpf/record.h bpf/tracepoint.c | sha256sum | cut -d ' ' -f 1)

# The file names in BTF are relative, so that the object is the same wherever it is made.
export LC_ALL=C
go tool bpf2go -output-stem tracepoint -target bpfel -tags linux -go-package tracepoint \
	-type head -type transition -type drop -type retransmit -type reset -type probe \
	bpf bpf/tracepoint.c -- \
	-O2 -Wall -Werror -Ibpf -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. -DSOURCE="\"$hash\""
