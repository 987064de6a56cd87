package kernel

import "halfopen/inject"

// DockerFlags are the options of docker run that let root make labs in a container.
const DockerFlags = "--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW " +
	"--security-opt apparmor=unconfined --security-opt systempaths=unconfined"

// CheckSystem returns a *[inject.MissingError] for any system but Linux. system is as runtime.GOOS
// names it. neededBy is what needs Linux, as a noun: "halfopen run".
func CheckSystem(system, neededBy string) error {
	if system == "linux" {
		return nil
	}
	return &inject.MissingError{
		Feature: "Linux", NeededBy: neededBy,
		Remedy: "use a Linux machine, or a container: docker run " + DockerFlags,
	}
}
