# SPDX-License-Identifier: GPL-2.0
# For people; kbuild reads Kbuild. "make help" lists the targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
# The kernel's own name for itself, which its module directory bears.
KVER = $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null || uname -r)
MAKEFLAGS += --no-print-directory

.PHONY: all modules install uninstall dkms-install dkms-uninstall dist deb clean help

all: modules

modules:
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel build directory at $(KDIR): install the kernel's headers," >&2; \
		echo "or name another one: make KDIR=<kernel build dir>" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# depmod by hand: Debian's headers lack the System.map that kbuild wants for it (it warns), nor
# is the kernel's own key there to sign with.
install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates CONFIG_MODULE_SIG_ALL= \
		modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

uninstall:
	rm -f $(INSTALL_MOD_PATH)/lib/modules/$(KVER)/updates/hartwell.ko*
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

# For the kernel of KDIR now, and for each that is installed later.
dkms-install:
	KVER='$(KVER)' scripts/dkms.sh install

dkms-uninstall:
	KVER='$(KVER)' scripts/dkms.sh uninstall

# OUT: where to (dist/). The version is HWL_VERSION of include/hwl.h.
dist deb:
	scripts/package.sh $@

# Without kbuild, so that it works where no kernel headers are.
clean:
	rm -f *.o *.ko *.mod *.mod.c .*.cmd .module-common.o modules.order Module.symvers
	rm -f src/*.o src/.*.cmd src/.*.d
	rm -rf .tmp_* generated
	rm -rf .pytest_cache dist

help:
	@echo 'scripts/run-vm.sh      boot a VM with the device, and show that the driver works'
	@echo 'make                   build hartwell.ko for the running kernel'
	@echo '  KDIR=<dir>           ... for the kernel of this build directory'
	@echo 'make install           install it for that kernel (as root; loads nothing)'
	@echo 'make uninstall         remove it again'
	@echo 'make dkms-install      have DKMS do so for each kernel; make dkms-uninstall'
	@echo 'make deb               make a Debian package of that in dist/; make dist: a tar'
	@echo 'scripts/to-kernel.sh   put the driver into the kernel sources of a directory'
	@echo 'make clean             remove what was built'
	@echo 'make test              run all tests; T=<expression> runs some'
	@echo 'make test-<kernel>     run the guest tests on another kernel, such as sid'
	@echo 'make test-model        ... on the device model (Documentation/model.rst)'
	@echo 'make test-full         ... on Debian'\''s oldest and newest kernels, with the long tests'
	@echo 'make soak              change everything at random under traffic; MINUTES=10'
	@echo 'make fuzz              a device that does anything at all; SECONDS=120 SEED='
	@echo 'make mutants           break one rule at a time, and see a test notice'
	@echo 'make kselftest         the kernel'\''s own tests of network drivers, beside e1000e'
	@echo 'make bench             measure, beside e1000e; QUICK=1 in five minutes; B=<name>'
	@echo 'make verify            check models of the protocols: barriers, the transmit ring'

# ---- tests
# T: which tests (an expression for pytest -k, a file, or a node id). KERNEL: a kernel of
# scripts/run-vm.sh. JOBS: how many side by side.
.PHONY: test test-full test-model mutants soak fuzz verify kselftest bench
test:
	tests/run.sh

test-full:
	tests/run.sh --long --kernel oldest --kernel trixie --kernel newest --kernel debug

# The guest tests on the device model, instead of QEMU's own device.
test-model:
	HARTWELL_DEVICE=model T='$(or $(T),tests/guest)' tests/run.sh

test-%:
	T='$(or $(T),tests/guest)' tests/run.sh --kernel $*

# M: which (a rule, or part of a name with a dash).
mutants:
	tests/mutants/run.py $(M)

# V: which (part of a name).
verify:
	tests/verify/run.sh $(V)

# K: which programs (all).
kselftest:
	scripts/deps.sh lab build headers kselftest
	tests/kselftest.py $(K)

# QUICK: the most important. B: which (part of a name). ROUNDS, OUT: bench by default.
bench:
	scripts/deps.sh lab build headers bench
	tests/bench/run.py $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(OUT),--out $(OUT)) $(if $(B),'$(B)')

# MINUTES, SEED (printed; repeats a run), KERNEL.
soak:
	scripts/deps.sh lab build headers
	tests/soak.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(KERNEL),--kernel $(KERNEL))

# SECONDS, SEED (printed; repeats what is done), KERNEL (debug).
fuzz:
	scripts/deps.sh lab build headers
	tests/fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(KERNEL),--kernel $(KERNEL))

export T JOBS
