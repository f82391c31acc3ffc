# SPDX-License-Identifier: GPL-2.0
# Everything is built into $(BUILD); kernels are cached outside the checkout,
# see tests/vm/build-kernel. `make help` lists the targets.

BUILD	?= $(CURDIR)/build
FLAVOUR	?= release
SECONDS	?= 60
override BUILD := $(abspath $(BUILD))
export BUILD FLAVOUR
MAKEFLAGS += --no-print-directory

# Run as root or by sudo; DEBIAN_FRONTEND keeps packages from asking.
APT	= $(if $(filter 0,$(shell id -u)),,sudo) env DEBIAN_FRONTEND=noninteractive apt-get

# What make vm hands on to tests/vm/two-guests.
export SMP MEM RDMA T OUT QUIET COUNTED CMDLINE
# And what make fault-matrix and make soak do.
export FAULTS MOMENTS COPIES MINUTES SEED

all: module daemon syscalls ## Build the modules, the daemon and the tools (default)

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

deps: ## Install the Debian packages that tests/deps lists
	$(APT) update
	$(APT) install -y --no-install-recommends $$(sed 's/#.*//' tests/deps)

# For those who begin with the demo or the tests.
installed:
	@dpkg -s $$(sed 's/#.*//' tests/deps) >/dev/null 2>&1 || $(MAKE) --no-print-directory deps

kernel: ## Build the guests' kernel, FLAVOUR=release or debug
	tests/vm/build-kernel $(FLAVOUR)

module: kernel ## Build leap.ko and the sample module for FLAVOUR
	tests/vm/build-modules $(FLAVOUR)

daemon: ## Build leapd
	$(MAKE) -C daemon all

syscalls: ## Build leapctl and libleap
	$(MAKE) -C syscalls all

programs: syscalls ## Build the programs that tests run in the guests
	$(MAKE) -C tests/prog all
	$(MAKE) -C tests/replay all

vm: all programs ## Boot two guests: M1=SCRIPT [M2=SCRIPT], see tests/README.md
	@test -n "$(M1)" || { echo "usage: make vm M1=SCRIPT [M2=SCRIPT] [FLAVOUR=release] [SMP=1] [MEM=1024] [RDMA=rxe|siw]" >&2; exit 2; }
	@tests/vm/two-guests "$(M1)" $(if $(M2),"$(M2)")

demo: installed all programs ## Show a program using another machine's memory
	tests/demo/run

bench: all programs ## Measure against swap on NVMe-oF: PARTS="base patterns programs tail counted safety"
	@tests/bench/run $(PARTS)

unit: ## Run the host's unit tests
	$(MAKE) -C tests/unit check

replay: ## Compare prefetchers on recordings of real programs and on all patterns
	$(MAKE) -C tests/replay all table check

sim: ## Simulate placement: a million slabs on 10,000 servers
	$(MAKE) -C tests/sim sim

fuzz: ## Fuzz every parser, SECONDS=60 each
	$(MAKE) -C tests/fuzz fuzz SECONDS=$(SECONDS)

lint: module ## Check style, spelling, shell scripts and types
	tests/lint

check: installed ## Run the tests: lint, unit, fuzz, guests on the debug kernel; ALL=1: every variant
	@tests/check

# These two are for the debug kernel, unless FLAVOUR is given.
ifeq ($(origin FLAVOUR),file)
fault-matrix soak: FLAVOUR := debug
endif

fault-matrix: all programs ## Every fault of a server at every moment: FAULTS= MOMENTS= COPIES=
	@tests/vm/fault-matrix

soak: all programs ## Programs on servers that fail: MINUTES=30 [SEED=n], ends in a report
	@tests/soak/run

clean: ## Remove what was built here (kernels stay in their cache)
	$(RM) -r $(BUILD)

.PHONY: all help deps installed kernel module daemon syscalls programs vm demo bench
.PHONY: unit replay sim fuzz lint check fault-matrix soak clean
