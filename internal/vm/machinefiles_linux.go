package vm

import (
	"errors"
	"fmt"
	"os"
)

// machineFiles are the files that a machine starts with. Those that it does not need are nil.
type machineFiles struct {
	// A machine boots kernel and initramfs. memory contains its memory.
	kernel, initramfs, memory *os.File
	// state is the snapshot that the machine continues from, job the job that it then finds.
	state, job *os.File
}

// bootFiles returns the files of a machine that boots. It packs the initramfs and unpacks the
// kernel at the same time.
func (o *Options) bootFiles(
	with accelerator, archive func() ([]byte, error),
) (machineFiles, error) {
	var files machineFiles
	unpacked := make(chan error, 1)
	go func() {
		var failed error
		files.kernel, failed = o.kernelFile(with)
		unpacked <- failed
	}()
	base, err := archive()
	if err == nil {
		files.initramfs, err = memoryFile("initramfs", base)
	}
	if err := errors.Join(err, <-unpacked); err != nil {
		files.close()
		return machineFiles{}, err
	}
	return files, nil
}

// kernelFile opens the kernel that a machine boots, unpacked if the machine would take long to
// unpack it. A kernel that cannot be unpacked here boots as it is: if it is broken, the boot shows
// that. An unpacked kernel also needs pvh.bin, one of QEMU's option ROMs.
func (o *Options) kernelFile(with accelerator) (*os.File, error) {
	if with != kvm {
		if unpacked, err := unpackImage(&o.Kernel); err == nil {
			return memoryFile("kernel", unpacked)
		}
	}
	f, err := os.Open(o.Kernel.Image)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel: %w", err)
	}
	return f, nil
}

// close closes the files of bootFiles.
func (files machineFiles) close() {
	files.kernel.Close()
	files.initramfs.Close()
}
