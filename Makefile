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
SHARE = $(PREFIX)/share/berth
INSTALL = install -D --mode=644
# The units and drop-ins name /usr/bin/berth, where it usually is.
INSTALL_TEXT = packaging/install-text '$(PREFIX)/bin/berth'
ARCH =
# `npm ci --omit=dev` installs what a build needs, without the tools of tests; docs/install.md has it offline.
NPM_CI ?= npm ci
# The Node of the host, such as /usr/bin/node: `make install` then lays down the bundle, and not the executable.
NODE =
# Where what is built goes.
DIST = dist
EXECUTABLE = $(DIST)/berth$(if $(ARCH),-$(ARCH))
BUNDLE = $(DIST)/bundle
SOURCES = $(shell find src -name '*.ts')
BUILDERS = scripts/esbuild.mjs scripts/make-programs.mjs $(wildcard scripts/*.cjs)

# The time of what is built: two builds of one commit are equal, whenever and wherever they are made.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat --format=%Y CHANGELOG.md)

# Which packages, in Debian's words (`all`: the one for Debian's own Node); what they say: whom to write to, and their
# version; and how they are compressed: `xz`, or `none` for a quick build.
PACKAGES = $(DIST)/packages
ARCHITECTURES = amd64 arm64 all
export MAINTAINER ?= $(shell git log -1 --format='%an <%ae>' 2>/dev/null)
export VERSION ?= $(shell sed -n 's/^export const version = .\(.*\).;/\1/p' src/common/version.ts)
export COMPRESSION ?= xz

.PHONY: demo test check unit peers soak bench dist bundle npm image install packages schemas transcript clean

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
dist: $(EXECUTABLE) $(EXECUTABLE).spdx.json $(DIST)/NOTICES $(DIST)/man/berth.1 $(DIST)/completion/bash
$(EXECUTABLE): node_modules/.installed $(SOURCES) scripts/executable.mjs $(BUILDERS)
	node scripts/executable.mjs --output $@ $(if $(ARCH),--arch $(ARCH))

# What belongs to the executable: the licences of all that is in it, and a list of that for those who look for known
# vulnerabilities.
$(DIST)/NOTICES: node_modules/.installed $(SOURCES) scripts/notices.mjs scripts/packages-inside.mjs $(BUILDERS)
	node scripts/notices.mjs $@ --executable
$(EXECUTABLE).spdx.json: node_modules/.installed $(SOURCES) scripts/sbom.mjs scripts/packages-inside.mjs $(BUILDERS)
	node scripts/sbom.mjs $@ $(or $(ARCH),$$(node -p process.arch))

# What Node runs, without what V8 compiles of it, which fits only one version of Node; with its licences and its list.
bundle: $(BUNDLE)/berth.cjs $(BUNDLE)/NOTICES $(BUNDLE)/berth.spdx.json $(DIST)/man/berth.1 $(DIST)/completion/bash
$(BUNDLE)/berth.cjs: node_modules/.installed $(SOURCES) $(BUILDERS) scripts/bundle.mjs
	node scripts/bundle.mjs '$(BUNDLE)'
# After the bundle, whose script empties the directory.
$(BUNDLE)/NOTICES: $(BUNDLE)/berth.cjs scripts/notices.mjs scripts/packages-inside.mjs $(BUILDERS)
	node scripts/notices.mjs $@
$(BUNDLE)/berth.spdx.json: $(BUNDLE)/berth.cjs scripts/sbom.mjs scripts/packages-inside.mjs $(BUILDERS)
	node scripts/sbom.mjs $@

# For machines that have Node 24: a package that needs no other, for `npm publish` or `npx --package FILE berth`.
npm: node_modules/.installed
	node scripts/npm-package.mjs '$(DIST)'

# For CI, and for COPY --from=: /berth of the image has what `make install` lays down, and PATH leads to the program.
IMAGE ?= localhost/berth:$(VERSION)
BUILD ?= podman build --timestamp $(SOURCE_DATE_EPOCH)
image:
	rm -rf '$(DIST)/image'
	$(MAKE) install DESTDIR='$(DIST)/image'
	$(BUILD) --build-arg VERSION='$(VERSION)' --tag '$(IMAGE)' \
	  --file packaging/container/Containerfile '$(DIST)/image'
	rm -rf '$(DIST)/image'

# A page for each command, from its --help, and those of packaging/man.
$(DIST)/man/berth.1: node_modules/.installed $(SOURCES) scripts/man.ts $(wildcard packaging/man/* packaging/man/parts/*)
	rm -rf '$(DIST)/man'
	node scripts/man.ts '$(DIST)/man'

# What each shell reads to complete command lines.
$(DIST)/completion/bash: node_modules/.installed src/cli/completion/scripts.ts
	mkdir -p '$(DIST)/completion'
	for shell in fish zsh bash; do \
	  node src/cli/main.ts completion $$shell > '$(DIST)'/completion/$$shell || exit; done

# Lays everything down below DESTDIR as a distribution would; needs no root for that.
install: $(if $(NODE),bundle,dist)
ifdef NODE
	install -D --mode=755 /dev/null '$(DESTDIR)$(SHARE)/bin/berth'
	sed 's|^exec node |exec $(NODE) |' bin/berth >'$(DESTDIR)$(SHARE)/bin/berth'
	for file in '$(BUNDLE)'/*.cjs; do $(INSTALL) $$file '$(DESTDIR)$(SHARE)'/dist/$${file##*/} || exit; done
	install -d '$(DESTDIR)$(PREFIX)/bin'
	ln -sf ../share/berth/bin/berth '$(DESTDIR)$(PREFIX)/bin/berth'
else
	install -D --mode=755 $(EXECUTABLE) '$(DESTDIR)$(PREFIX)/bin/berth'
endif
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
	for page in '$(DIST)'/man/*; do \
	  $(INSTALL) $$page '$(DESTDIR)$(PREFIX)'/share/man/man$${page##*.}/$${page##*/} || exit; done
	for completion in bash:bash-completion/completions/berth zsh:zsh/site-functions/_berth \
	    fish:fish/vendor_completions.d/berth.fish; do \
	  $(INSTALL) '$(DIST)'/completion/$${completion%%:*} \
	    '$(DESTDIR)$(PREFIX)'/share/$${completion#*:} || exit; done
	$(INSTALL) LICENSE '$(DESTDIR)$(PREFIX)/share/licenses/berth/LICENSE'
	for page in README CHANGELOG CONTRIBUTING SECURITY; do \
	  $(INSTALL) $$page.md '$(DESTDIR)$(DOCS)'/$$page.md || exit; done
	$(INSTALL) $(if $(NODE),$(BUNDLE),$(DIST))/NOTICES '$(DESTDIR)$(DOCS)/NOTICES'
	$(INSTALL) $(if $(NODE),$(BUNDLE)/berth,$(EXECUTABLE)).spdx.json '$(DESTDIR)$(DOCS)/berth.spdx.json'
	cp -R docs examples '$(DESTDIR)$(DOCS)'

# For Debian, and for distributions with rpm, from what `make install` lays down. Needs dpkg-deb and rpmbuild.
packages: node_modules/.installed
	packaging/packages '$(PACKAGES)' '$(ARCHITECTURES)' $(MAKE) --old-file=$< DIST='$(DIST)'

# docs/schemas, from the schemas that the code itself has.
schemas: node_modules/.installed
	node scripts/schemas.ts

# The transcript in docs/demo.md, from the demo itself.
transcript: node_modules/.installed
	node scripts/demo.ts store 2>&1 | node scripts/transcript.ts

node_modules/.installed: package-lock.json
	@$(NPM_CI) --loglevel=error --no-audit --no-fund
	@touch $@

clean:
	rm -rf dist node_modules
