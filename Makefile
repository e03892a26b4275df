# SPDX-License-Identifier: GPL-2.0
#
# The only entry point a person needs; "make help" lists the targets.
#
# Modules are built in build/<kernel release>/, a tree of links to the sources:
# several kernels build side by side and the checkout stays clean.

SHELL		:= /bin/bash
TOP		:= $(CURDIR)
KERNEL		?=
KDIR		?= $(if $(KERNEL),$(shell tests/vm/vm kdir -k $(KERNEL)),/lib/modules/$(shell uname -r)/build)
VERSION		:= $(shell cat VERSION)
W		?= 1
KERNELS		:= $(if $(KERNEL),$(KERNEL),6.1 6.12)

export PINFOLD_VERSION := $(VERSION)

.PHONY: all modules tool deps demo test test-unit test-tool test-crash test-fuzz fuzz mutation \
	test-vm test-kill test-raid-kill test-reboot test-harness test-planted test-debug test-kcsan soak \
	guest-modules bench check install clean help

all: modules tool ## build the modules for KDIR (default: the running kernel) and the tool

# --- building ---------------------------------------------------------------

# Folders whose sources become part of a module; linked, not copied.
MODULE_SRC	:= Kbuild include fs drivers mm tests/modules

modules: ## build the modules only: make modules KDIR=/path/to/kernel/build
	@tools/build/modules.sh "$(KDIR)" "$(TOP)/build" W=$(W) $(if $(C),C=$(C))

guest-modules: ## build modules and test programs for every supported guest kernel
	@set -e; for k in $(KERNELS); do \
		tools/build/modules.sh "$$(tests/vm/vm kdir -k $$k)" "$(TOP)/build" W=$(W) TESTS=1; done
	@$(MAKE) --no-print-directory -C tests/guest

tool: ## build the pinfold command into build/tools/
	@$(MAKE) --no-print-directory -C tools/pinfold

deps: ## install what building and testing need (Debian packages)
	@tests/deps.sh

# --- trying -----------------------------------------------------------------

demo: deps tool ## set up what is missing and show stock against pinfold in a guest
	@$(MAKE) --no-print-directory guest-modules KERNEL=$(or $(KERNEL),6.12)
	@tests/demo/demo -k $(or $(KERNEL),6.12)

# --- testing ----------------------------------------------------------------

test: deps ## everything CI runs
	@tests/run-all

test-unit: ## host tests of the pure logic, under ASan and UBSan
	@$(MAKE) --no-print-directory -C tests/unit run

test-tool: tool ## host tests of the tool
	@tests/tool/run.sh

test-crash: ## power failures at every fence, for each on-media structure
	@$(MAKE) --no-print-directory -C tests/crash run

test-fuzz: ## every decoder of untrusted bytes, a short run from the corpus
	@tests/fuzz/run.sh

fuzz: ## the same, for FUZZ_SECONDS (600) each
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) tests/fuzz/run.sh

mutation: ## take out each flush, fence, check and lock in turn: does a test notice?
	@tests/mutation/run.py $(if $(T),-T '$(T)')

test-harness: ## the guest harness tested on itself
	@tests/vm/selftest

test-vm: guest-modules tool ## guest tests: make test-vm [KERNEL=6.1|6.12] [T=pattern]
	@tests/vm/suite $(foreach k,$(KERNELS),-k $(k)) $(if $(T),-T '$(T)')

test-kill: guest-modules tool ## guests killed in the middle of moves: is each page there afterwards?
	@tests/vm/host/kill.sh $(foreach k,$(KERNELS),-k $(k))

test-raid-kill: guest-modules tool ## the same for arrays: is what was synced there, on whichever legs?
	@tests/vm/host/raid-kill.sh $(foreach k,$(KERNELS),-k $(k))

test-reboot: guest-modules tool ## the same NVDIMMs in one guest after the other, unarmed in the last
	@tests/vm/host/reboot.sh $(foreach k,$(KERNELS),-k $(k))

test-planted: ## do the guest tests notice the bugs of tests/planted?
	@tests/planted/run $(foreach k,$(KERNEL),-k $(k))

test-debug: tool ## guest tests on a kernel with KASAN, lockdep, kmemleak, fault injection
	@tests/debug/run $(if $(T),-T '$(T)')

test-kcsan: tool ## guest tests on a kernel with KCSAN: data races of our modules
	@tests/debug/run-kcsan $(if $(T),-T '$(T)')

soak: tool ## the random and repeated tests for hours: make soak HOURS=8 [BUDGET=10] [SEED=n] [T=pattern]
	@tests/soak

bench: guest-modules tool ## instruction counts against the peers, into build/bench/results.json
	@tests/bench/bench $(foreach k,$(KERNELS),-k $(k)) $(if $(T),-T '$(T)')

check: ## checkpatch, sparse, shellcheck
	@tools/build/check.sh

# --- installing -------------------------------------------------------------

install: ## install tool and modules (DESTDIR=, PREFIX=, KDIR=)
	@$(MAKE) --no-print-directory -C tools/pinfold install
	@tools/build/install.sh "$(KDIR)" "$(TOP)/build" "$(DESTDIR)"

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
