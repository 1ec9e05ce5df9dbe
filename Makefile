# `make demo` and `make test` are all that a newcomer needs; both install what they need.
# Node 24 comes from npm, first on PATH; a system Node of 24 or later serves too.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

ENGINE ?= store
REPORTER = --test-reporter=./test/support/reporter.ts

.PHONY: demo test check unit peers bench schemas transcript clean

demo: node_modules/.installed
	@node scripts/demo.ts $(ENGINE)

test: node_modules/.installed
	@scripts/test

# The quick part of `make test`, without programs that apt brings.
check: node_modules/.installed
	tsc --noEmit
	oxlint --type-aware --deny-warnings
	biome check .
	knip
unit: node_modules/.installed
	node --test $(REPORTER) $$(find test -name '*.test.ts' ! -name '*.peer.test.ts')
peers: node_modules/.installed
	scripts/peers
	node --test --test-concurrency=2 $(REPORTER) $$(find test -name '*.peer.test.ts')

bench: node_modules/.installed
	@node bench/bench.ts

# docs/schemas, from the schemas that the code itself has.
schemas: node_modules/.installed
	node scripts/schemas.ts

# The transcript in the README, from the demo itself.
transcript: node_modules/.installed
	node scripts/demo.ts store 2>&1 | node scripts/transcript.ts

node_modules/.installed: package-lock.json
	@npm ci --loglevel=error --no-audit --no-fund
	@touch $@

clean:
	rm -rf dist node_modules
