# What a person types. Each target is one command; what it does stands in scripts/ and tests/parts/.

.DEFAULT_GOAL := help
.PHONY: help run operator parts test e2e lint bench image generate fuzz-smoke

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

run: ## run the gateway on port 9091
	cargo run --release --bin pushgateway

operator: ## install the custom resource and run the operator, with the current kubeconfig
	cargo build --release --features operator --bin pushgateway-operator
	target/release/pushgateway-operator crd | kubectl apply --server-side -f -
	target/release/pushgateway-operator run

parts: ## fetch the real programs that tests run against
	tests/parts/fetch

test: ## fetch what is missing, run all tests, print a table
	scripts/test

e2e: ## build the images, start a real node with them, run the README's commands there; Linux, root
	scripts/e2e

lint: ## format, clippy, docs, licences, shell scripts
	scripts/lint

bench: ## measure beside the Go Pushgateway, nginx and the disk, write docs/benchmarks.md
	tests/parts/fetch pushgateway-sid nginx
	cargo bench --bench side_by_side

image: ## build both images with docker
	docker build --target gateway -t pushgateway --build-arg REVISION=$$(git rev-parse HEAD) .
	docker build --target operator -t pushgateway-operator --build-arg REVISION=$$(git rev-parse HEAD) .

generate: ## rewrite the generated docs, the definition of the custom resource, manifests, the charts' tables and golden files
	UPDATE=1 cargo test --lib flags::documentation
	UPDATE=1 cargo test --features operator --test operator crd::the_file
	tests/parts/fetch helm kustomize
	UPDATE=1 cargo test --features operator --test operator -- golden charts::render charts::values operator_chart::every_value_has_a_comment
	UPDATE=1 cargo test --features operator --test operator manifests::files
	UPDATE=1 cargo test --features operator --test operator manifests::the_flat

fuzz-smoke: ## run each fuzz target for some seconds
	scripts/fuzz-smoke
