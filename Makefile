# `make demo` and `make test` are all that a newcomer needs; both install what they need.
# Node 24 comes from npm, first on PATH; a system Node of 24 or later serves too.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

ENGINE ?= store

# Where a distribution puts things; DESTDIR goes before all of them.
PREFIX ?= /usr
UNITS = $(PREFIX)/lib/systemd/system
PRESETS = $(PREFIX)/lib/systemd/system-preset
QUADLET = $(PREFIX)/share/containers/systemd
DOCS = $(PREFIX)/share/doc/berth
INSTALL = install -D --mode=644
# The units and drop-ins name /usr/bin/berth, where it usually is.
INSTALL_TEXT = packaging/install-text '$(PREFIX)/bin/berth'
ARCH =
# Where what is built goes.
DIST = dist
EXECUTABLE = $(DIST)/berth$(if $(ARCH),-$(ARCH))
SOURCES = $(shell find src -name '*.ts')

.PHONY: demo test check unit peers soak bench dist install schemas transcript clean

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
	scripts/run-tests $$(find test -name '*.test.ts' ! -name '*.peer.test.ts' ! -name '*.host.test.ts')
peers: node_modules/.installed
	scripts/peers
	scripts/run-tests $$(find test -name '*.peer.test.ts' -o -name '*.host.test.ts')

# Long searches with other seeds than those of `make test`, for as long as SOAK says; then REGISTRIES odd
# registries beside skopeo, FOREST units of a booted host, which take half an hour, and REMOVALS from engines that
# `berth watch` heals, which take an hour.
SOAK ?= 10m
FOREST ?= 20000
REGISTRIES ?= 5000
REMOVALS ?= 720
soak: node_modules/.installed
	scripts/peers
	@node scripts/soak.ts $(SOAK) $(FOREST) $(REGISTRIES) $(REMOVALS)

bench: node_modules/.installed
	@node bench/bench.ts

# A single executable for hosts that have no Node. ARCH=arm64 or x64 for another machine.
dist: $(EXECUTABLE) $(DIST)/man/berth.1
$(EXECUTABLE): node_modules/.installed $(SOURCES) scripts/esbuild.mjs scripts/executable.mjs
	node scripts/executable.mjs --output $@ $(if $(ARCH),--arch $(ARCH))

# A page for each command, from its --help.
$(DIST)/man/berth.1: node_modules/.installed $(SOURCES) scripts/man.ts
	rm -rf '$(DIST)/man'
	node scripts/man.ts '$(DIST)/man'

# Lays everything down below DESTDIR as a distribution would; needs no root for that.
install: dist
	install -D --mode=755 $(EXECUTABLE) '$(DESTDIR)$(PREFIX)/bin/berth'
	for file in packaging/systemd/*.service packaging/systemd/*.socket \
	    packaging/systemd/*.timer packaging/systemd/*.path; do \
	  $(INSTALL_TEXT) $$file '$(DESTDIR)$(UNITS)'/$${file##*/} || exit; done
	for unit in user@ docker containerd crio kubelet; do \
	  $(INSTALL_TEXT) packaging/systemd/$$unit.service.d/10-berth.conf \
	    '$(DESTDIR)$(UNITS)'/$$unit.service.d/10-berth.conf || exit; done
	$(INSTALL_TEXT) packaging/bootc/upgrade '$(DESTDIR)$(PREFIX)/libexec/berth/upgrade' 755
	$(INSTALL_TEXT) packaging/bootc/bootc-fetch-apply-updates.conf \
	  '$(DESTDIR)$(UNITS)/bootc-fetch-apply-updates.service.d/10-berth.conf'
	$(INSTALL_TEXT) packaging/greenboot/50-berth.sh \
	  '$(DESTDIR)$(PREFIX)/lib/greenboot/check/required.d/50-berth.sh' 755
	$(INSTALL) packaging/systemd/90-berth.preset '$(DESTDIR)$(PRESETS)/90-berth.preset'
	for type in container kube pod volume build; do \
	  $(INSTALL) packaging/quadlet/order.conf '$(DESTDIR)$(QUADLET)'/$$type.d/10-berth.conf || exit; done
	for type in image artifact; do \
	  $(INSTALL_TEXT) packaging/quadlet/image.conf '$(DESTDIR)$(QUADLET)'/$$type.d/10-berth.conf || exit; done
	for page in '$(DIST)'/man/*.1 packaging/man/*; do \
	  $(INSTALL) $$page '$(DESTDIR)$(PREFIX)'/share/man/man$${page##*.}/$${page##*/} || exit; done
	$(INSTALL) LICENSE '$(DESTDIR)$(PREFIX)/share/licenses/berth/LICENSE'
	for page in README CHANGELOG CONTRIBUTING SECURITY; do \
	  $(INSTALL) $$page.md '$(DESTDIR)$(DOCS)'/$$page.md || exit; done
	cp -R docs examples '$(DESTDIR)$(DOCS)'

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
