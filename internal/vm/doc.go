// Package vm runs scenarios inside a virtual machine: on another kernel, or in warped time, where the guest's clock jumps
// to the next timer whenever the guest is idle.
//
// The guest is one Linux kernel and an initramfs with one program: this one, as init. What it is to do is in the initramfs too,
// or, if it goes on from a snapshot, in a file that QEMU shows it; nothing is sent into a running guest. What happens comes out
// over a virtio serial port, as the same events that a native run emits. In warped time QEMU counts instructions, so the
// guest's time depends on nothing outside it, and the same scenarios with the same seed take place at the same times.
package vm
