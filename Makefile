# Every target installs what it needs, never prompts, and can be called again. HOSTS and PORT, which make hands on
# where they are said, are told to `make up`.
NODE := node_modules/.bin/node
RUN = @hack/modules.sh && exec env HATCHERY_MAKE_TARGET=$@ PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(NODE)

.DEFAULT_GOAL := help
.PHONY: help demo up status down test test-unit bench-libvirt bench-burst bench-chaos bench-spawn bench-request bench-untold bench-patrol bench-rolling bench-outage bench-bulk bench-leavers bench-slow bench-crowd lint format generate verify

help: ## Print this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: ## Real control plane, one Xen host: one domain from kubectl apply to its end; takes all down after.
	$(RUN) hack/main.ts demo

up: ## Start what is missing of a test bed, as in: make up HOSTS=xen:1,lxc:2,test:4 (default test:1).
	$(RUN) hack/main.ts up

status: ## Show the test bed's processes and DomainHosts.
	$(RUN) hack/main.ts status

down: ## End everything that make up started, in whatever state it is.
	$(RUN) hack/main.ts down

test: ## Run all checks and all tests; as root, which hosts need.
	$(RUN) hack/main.ts test

test-unit: ## Run the tests that need nothing but Node.
	$(RUN) hack/main.ts test-unit

bench-libvirt: ## Compare our libvirt client with python3-libvirt and C libvirt.
	$(RUN) bench/libvirt/main.ts

bench-burst: ## Time 2,000 domains on four hosts, and count the API writes.
	$(RUN) bench/burst/main.ts

bench-chaos: ## Run 300 domains on LXC while the controller is killed again and again; count each start.
	$(RUN) bench/chaos/main.ts

bench-untold: ## Run 400 domains on LXC while all CPUs are busy; count ends never told, time each until noticed.
	$(RUN) bench/untold/main.ts

bench-patrol: ## Measure what looking after 1,000 idle domains costs an LXC host and the controller.
	$(RUN) bench/patrol/main.ts

bench-spawn: ## Time requests through Hatchery against the least that any such program needs (HOSTS=lxc:1 or xen:1).
	$(RUN) bench/spawn/main.ts

bench-request: ## Count what a request writes to the API server, and time its guest's notice to its first byte, at 8 a second.
	$(RUN) bench/request/main.ts

bench-rolling: ## Replace two ingress replicas one after the other under load, and kill one with -9: is a request lost?
	$(RUN) bench/rolling/main.ts

bench-outage: ## Kill the controller again and again under 200 requests: how each ends.
	$(RUN) bench/outage/main.ts

bench-bulk: ## Send 1 GB up and down through one domain each: memory, throughput; WebSocket, SSE, HTTP/2, Expect.
	$(RUN) bench/bulk/main.ts

bench-leavers: ## Have visitors leave in each phase of a request on LXC; count domains that run for nobody, and what is left.
	$(RUN) bench/leavers/main.ts

bench-slow: ## Time requests beside 2,000 slow visitors of each form, against the same without them.
	$(RUN) bench/slow/main.ts

bench-crowd: ## Send crowds to the ingress on LXC: who is answered and when, who comes back in time, and what memory that takes.
	$(RUN) bench/crowd/main.ts

lint: ## Check style and types.
	@hack/modules.sh && node_modules/.bin/eslint . && node_modules/.bin/tsc --noEmit -p .

format: ## Bring all files into one format.
	@hack/modules.sh && node_modules/.bin/prettier --write --log-level=warn .

generate: ## Make the TypeScript types from crds/, and docs/http-table.md from its cases.
	$(RUN) hack/generate/main.ts

verify: ## Fail where something generated is stale.
	$(RUN) hack/generate/main.ts --check
