# The targets are in `make help`; each is one script of tools/ or one cargo command.
.DEFAULT_GOAL := help
.PHONY: help image dist demo article-sdk clients differential faults gitops replay test check converge bench bench-peer bed crds chart monitoring azure quickstart compat clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do printf '  make %-13s %s\n' "$$target" "$$text"; done

demo: ## the whole how-to on this machine, deleted again at the end; KEEP=1 leaves it standing in a shell
	@KEEP=$(KEEP) tools/demo/demo.sh

article-sdk: ## the how-to's own Python with Microsoft's azureml-core against the simulator
	@tools/article-sdk/article-sdk.sh

clients: ## Microsoft's own clients (azureml-core, management libraries, az) against the simulator; all checks
	@tools/clients/clients.sh

differential: ## what azureml-core sends against what the operator sends; ACCEPT=1 takes a new release's recordings over
	@tools/differential/differential.sh $(if $(ACCEPT),--accept)

faults: ## every input of tests/faults, each once wrong, against the operator on a real API server
	@tools/faults/faults.sh

gitops: ## the real Argo CD and Flux with the operator on a real API server; their programs are built once
	@tools/gitops/gitops.sh

chart: ## the Helm chart: judged, linted, installed, upgraded, removed and at work on a real API server; WRITE=1 writes what is generated
	@tools/chart/chart.sh $(if $(WRITE),--write)

monitoring: ## each alert fires and clears: a real Prometheus, the operator on the bed, faults
	@tools/monitoring/monitoring.sh

quickstart: ## docs/quickstart.md as it stands, with the real helm, Pods as processes
	@tools/quickstart/quickstart.sh

replay: ## recorded answers of Azure against the simulator's, where ACIVNET_AZURE_RECORDINGS names their folder
	@tools/replay.sh

image: ## the images of operator and simulator as OCI layouts, without a container engine; target/image
	@tools/image/image.sh

dist: ## everything that a release publishes: images, charts, install.yaml, schemas, checksums; target/dist
	@tools/dist/dist.sh

azure: ## deploy/azure as far as it can be checked without Azure: Bicep, Terraform, custom roles
	@tools/azure/check.sh

test: ## all tests, the demo, article-sdk, differential, quickstart, a quick part of clients and of faults among them
	@tools/test.sh

check: ## format, clippy, shellcheck, length of files, the tests that docs/faults.md names
	@tools/check/check.sh

converge: ## every interruption of every scenario; the results go to docs/results
	@tools/converge.sh $(PARTS)

bench: ## speed, memory and quiet, each with its bar; the results go to docs/results
	@tools/bench.sh $(FIGURES)

bench-peer: ## another operator on the same bed by the same rules: PEER=FOLDER OPTIONS="--objects 300"; docs/comparing.md
	@tools/bench/peer.sh $(if $(PEER),--peer $(PEER)) $(OPTIONS)

bed: ## build the programs of the Kubernetes test bed in the pinned version (once; ten minutes on two cores)
	@tools/kube/build.sh

compat: ## the tests of definitions, rights and removal on the oldest supported Kubernetes (built once; ten minutes)
	@tools/kube/compat.sh

crds: ## write deploy/crds, and the chart's definitions, from the types
	@tools/crds.sh

clean: ## remove what cargo built; what was fetched or built once stays in the cache folder
	@cargo clean
