# SPDX-License-Identifier: GPL-2.0
KDIR ?= /lib/modules/$(shell uname -r)/build
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

# ---- tests
# T: which tests (an expression for pytest -k, a file, or a node id). KERNEL: a kernel of
# scripts/run-vm.sh. JOBS: how many side by side.
.PHONY: test test-% mutants
test:
	tests/run.sh

test-%:
	tests/run.sh --kernel $*

# M: which (part of a name).
mutants:
	tests/mutants/run.py $(M)

export T JOBS
