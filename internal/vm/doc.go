// Package vm runs scenarios inside a virtual machine: on another kernel, or in warped time, where
// the guest's clock jumps to the next timer whenever the guest is idle.
//
// The guest is one Linux kernel and an initramfs with one program: this one, as init. Its job is in
// the initramfs too or, if the guest continues from a snapshot, in a file that QEMU shows it.
// Nothing is sent into a running guest. Events come out over a virtio serial port, the same as
// those of a native run. In warped time QEMU counts instructions, so the guest's time depends on
// nothing outside the guest, and the same scenarios with the same seed happen at the same times.
package vm
