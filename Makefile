# SPDX-License-Identifier: GPL-2.0
#
# What a person runs. kbuild reads Kbuild instead. Every target sets up what it
# needs: Debian packages, kernel trees, builds. "make help" lists the targets.

KDIR	?= /lib/modules/$(shell uname -r)/build
MODE	?= copy

# Which kernel the tests take the driver into: 6.1, 6.12 or 7.2
KERNEL	?= 6.12
export KERNEL

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  %-14s %s\n' "$$target" "$$text"; done
	@echo "  KERNEL=$(KERNEL), of 6.1, 6.12 and 7.2: what kunit, check, check-users, xen-test build"
	@echo "  KDIR=$(KDIR)"

.PHONY: run
run: ## Boot Xen, dom0 and a domU on this driver; ends in a dom0 shell on a terminal; XEN=4.20
	@tests/xen/run

.PHONY: test
test: ## What judges without taking hours: check, overlay-test, kunit, tools-test, loop-test, fuzz, threads, xen-test, patches-test
	@scripts/test.sh

.PHONY: test-all
test-all: ## The same and what takes hours: every group on both versions of Xen, more cycles, kills, guests and fuzzing
	@LONG=1 scripts/test.sh

.PHONY: check
check: ## Static checks: sparse, W=1, checkpatch, kernel-doc, coccicheck, layering, in-tree users; ARCH=arm64
	@scripts/check.sh

.PHONY: check-users
check-users: ## Only the in-tree users of xen/xenbus.h: warnings and exports as with the original
	@scripts/check-users.sh

.PHONY: overlay-test
overlay-test: ## Tests of scripts/overlay.sh
	@tests/overlay/run.sh

.PHONY: kunit
kunit: ## KUnit suites: plain; with KASAN, lockdep, kmemleak, failslab; on two processors with KCSAN
	@tests/kunit/run.py plain debug smp

.PHONY: coverage
coverage: ## Line coverage of drivers/xen/xenstore by the KUnit suites; at least 90 %
	@tests/kunit/coverage.sh

.PHONY: tools-test
tools-test: ## lsxenbus against a XenStore on a pseudo terminal; no Xen, no kernel
	@tests/tools/run

.PHONY: xen-test
xen-test: ## Boot Xen under QEMU and drive dom0 and guests from outside; XEN=4.20
	@tests/xen/xen-test

.PHONY: loop
loop: ## A shell with XenStore and without Xen; LOOP=oxenstored FILES="prog=bin/prog" RELEASE=...
	@tests/loop/run $(LOOP) $(addprefix --file=,$(FILES)) $(addprefix --kernel=,$(RELEASE))

.PHONY: loop-test
loop-test: ## Debian's two daemons and their clients against the driver, without Xen; XEN=4.20
	@tests/loop/loop-test

.PHONY: dkms-test
dkms-test: ## The package of modules in Debian's own kernels; DKMS="6.1 6.12 7.2"
	@tests/dkms/run $(DKMS)

.PHONY: fuzz
fuzz: ## Fuzzers of the streams, in a process and on the device; SECONDS=60
	@tests/fuzz/run $(SECONDS)

.PHONY: threads
threads: ## The core with real threads and delays, plain and with sanitizers; SECONDS=30
	@tests/threads/run $(SECONDS)

.PHONY: compare
compare: ## test-xenstore on the original driver and on this one, in counted instructions
	@tests/xen/compare

.PHONY: defects
defects: ## The defects of the original driver, shown on it and on this one; KERNEL=
	@tests/xen/defects

.PHONY: bench
bench: ## Measure the original driver and this one on Xen; BENCH="--machines counted --daemons xenstored"
	@tests/bench/bench $(BENCH)

.PHONY: overlay
overlay: ## Put the driver into the kernel source KDIR=...; MODE=copy, symlink, revert or check
	@scripts/overlay.sh --$(MODE) $(KDIR)

.PHONY: patches
patches: ## The driver as a series of patches, as one patch, and its configuration, in build/patches; KERNEL= or KDIR=
	@scripts/patches.sh $(if $(findstring command,$(origin KDIR)),$(KDIR))

.PHONY: patches-test
patches-test: ## Whether the patches make of pristine sources what the overlay does; KERNEL=
	@tests/patches/run

.PHONY: deb
deb: ## Debian packages of a whole kernel, Debian's configuration, into build/deb; KERNEL= FLAVOUR=cloud-amd64 CONFIG=
	@scripts/deb.sh

.PHONY: deb-test
deb-test: ## Such packages installed on a Debian, booted and removed; DEBS=directory
	@tests/deb/run $(DEBS)

.PHONY: modules
modules: ## Build the core, and its suites if it has KUnit, as modules for KDIR=...
	@scripts/modules.sh $(KDIR)

.PHONY: dkms
dkms: ## Build the core and the loop as a Debian package for kernels as they are, into build/dkms
	@scripts/dkms.sh

.PHONY: selftests
selftests: ## Put tests/user into the kernel source KDIR=..., as tools/testing/selftests/xenstore
	@scripts/selftests.sh $(KDIR)

.PHONY: tools
tools: ## Build tools/xen, which is lsxenbus, into build/tools; tools/xen/Makefile installs
	@scripts/setup.sh tools
	@$(MAKE) --no-print-directory -C tools/xen O=$(CURDIR)/build/tools

.PHONY: clean
clean: ## Remove build/; kernel trees and builds stay in the cache
	rm -rf build

.PHONY: distclean
distclean: clean ## Remove the cache as well
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/xenbus"
