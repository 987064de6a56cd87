// Package manifests holds the Kubernetes manifests of docs/examples to the types of Kubernetes. It is a
// module of its own, so that halfopen does not depend on them.
package manifests

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// read decodes the documents of the manifest. Keys that Kubernetes does not know are errors.
func read(t *testing.T, into ...any) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/examples/shards/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "\n---\n")
	if len(documents) != len(into) {
		t.Fatalf("%d documents, want %d", len(documents), len(into))
	}
	for i, document := range documents {
		if err := yaml.UnmarshalStrict([]byte(document), into[i]); err != nil {
			t.Fatalf("document %d: %v", i+1, err)
		}
	}
}

func TestShardsOnKubernetes(t *testing.T) {
	var claim core.PersistentVolumeClaim
	var shards, merge batch.Job
	read(t, &claim, &shards, &merge)

	if claim.Kind != "PersistentVolumeClaim" || shards.Kind != "Job" || merge.Kind != "Job" ||
		shards.APIVersion != "batch/v1" || merge.APIVersion != "batch/v1" || claim.APIVersion != "v1" {
		t.Error("the documents are of other kinds")
	}
	spec, pod := shards.Spec, shards.Spec.Template.Spec
	c := pod.Containers[0]
	total := int(*spec.Completions)

	// What the API server checks of an Indexed Job with these keys.
	switch {
	case *spec.CompletionMode != batch.IndexedCompletion:
		t.Error("the job is not indexed")
	case pod.RestartPolicy != core.RestartPolicyNever:
		t.Error("podFailurePolicy and backoffLimitPerIndex need restartPolicy Never")
	case *c.SecurityContext.ProcMount == core.UnmaskedProcMount && (pod.HostUsers == nil || *pod.HostUsers):
		t.Error("procMount Unmasked needs hostUsers: false")
	case spec.PodFailurePolicy.Rules[1].OnExitCodes.ContainerName == nil || *spec.PodFailurePolicy.Rules[1].OnExitCodes.ContainerName != c.Name:
		t.Error("the rule on exit codes names no container")
	}
	if codes := spec.PodFailurePolicy.Rules[1].OnExitCodes.Values; !slices.Equal(codes, []int32{1, 2, 3}) {
		t.Errorf("the verdicts are exit statuses 1, 2 and 3, not %v", codes)
	}
	for _, volume := range slices.Concat(c.VolumeMounts, merge.Spec.Template.Spec.Containers[0].VolumeMounts) {
		has := func(v core.Volume) bool { return v.Name == volume.Name }
		if !slices.ContainsFunc(pod.Volumes, has) {
			t.Errorf("there is no volume %s", volume.Name)
		}
	}

	// What halfopen needs: the flags of README.md for containers, one total, all shards merged.
	if caps := c.SecurityContext.Capabilities.Add; !slices.Equal(caps, []core.Capability{"SYS_ADMIN", "NET_ADMIN", "NET_RAW"}) {
		t.Errorf("capabilities %v", caps)
	}
	if c.SecurityContext.AppArmorProfile.Type != core.AppArmorProfileTypeUnconfined {
		t.Error("AppArmor keeps halfopen from mounting")
	}
	if env := c.Env[0]; env.Name != "JOB_COMPLETIONS" || env.Value != strconv.Itoa(total) {
		t.Errorf("%s is %s, and there are %d completions", env.Name, env.Value, total)
	}
	for i := range total {
		if dir := "/results/" + strconv.Itoa(i); !slices.Contains(merge.Spec.Template.Spec.Containers[0].Args, dir) {
			t.Errorf("%s is not merged", dir)
		}
	}
	if got := len(merge.Spec.Template.Spec.Containers[0].Args); got != total+3 {
		t.Errorf("merge has %d arguments, want %d shards and a report", got, total)
	}
}
