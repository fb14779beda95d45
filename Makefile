# A thin front over the CMake presets (CMakePresets.json); `make help` lists the targets.
#
# demo, test, bench, asan, tsan, torture and model first install with apt what they need and do not find (tools/need).

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=
TORTURE_SECONDS ?= 3600
FUZZ_SECONDS ?= 600
FORKS ?= 1000
REPEAT ?= ^(sched|life)/
TIMES ?= 20

# What the build needs; what the tests need; what single tests need, which are skipped without.
BUILD_PACKAGES := cmake make gcc libc6-dev
DEBUG_PACKAGES := pkg-config zlib1g-dev libprotobuf-c-dev protobuf-c-compiler libmicrohttpd-dev libdw-dev systemtap-sdt-dev
TEST_PACKAGES := $(BUILD_PACKAGES) $(DEBUG_PACKAGES) g++ libcmocka-dev python3
EXTRA_PACKAGES := clang spin valgrind gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user \
                  $(TRICC_PACKAGES)
SIGHT_PACKAGES := golang-go golang-golang-x-tools-dev graphviz linux-perf prometheus chromium fonts-dejavu-core
TRICC_PACKAGES := llvm-19-dev clang-19 libclang-19-dev
PROGRAM_PACKAGES := dpkg-dev xz-utils patch tcl
BENCH_PACKAGES := $(BUILD_PACKAGES) libgc-dev libmimalloc-dev wrk

# Tests that the thread sanitizer cannot run, or whose programs race by design: docs/design/sanitizers.md says why.
# The same for the address sanitizer.
ASAN_LEAVES_OUT := ^model|system/(thread_ends|when_to_collect|make_thread_waits|last_thread)|guide/memory/(percent|limit|arena_misuse)|life/arena_fault|data/fuzz|forks|limit/fork|restartable-blind-(store|slow)
TSAN_LEAVES_OUT := ^life/(arena_fault|storm)|checkmark_names|onestop|last_thread|locks_inside|make_thread_waits|deadlock_looks|descriptors-forked|^data/fuzz|^limit/|guide/memory/(percent|ballast|limit|tight_loop)|handler|cancellation|forks|thread_ends|short_threads|when_to_collect|kept_pointers|peak_memory|search|obs/(accuracy|demo)|torture|^model|^house|^sched/(defer|preempt|shrink|burst)
asan: export UBSAN_OPTIONS := halt_on_error=1:print_stacktrace=1
tsan: export TSAN_OPTIONS := suppressions=$(CURDIR)/tools/tsan.supp

# $(call build,PRESET,CMake variables,further build options)
define build
@cmake --preset $(1) $(2) >build/$(1).log || { cat build/$(1).log; exit 1; }
@MAKEFLAGS= cmake --build build/$(1) -j$(JOBS) $(3)
endef

# $(call check,PRESET,ctest options): a test that hangs is ended by its time limit, and named.
define check
@MAKEFLAGS= ctest --test-dir build/$(1) -j$(JOBS) --output-on-failure --output-junit junit.xml $(2)
endef

# The tests are part of the build where their framework is; `make test` sees to that.
tests-if-possible = -DTRICOLOR_TESTS=$(shell pkg-config --exists cmocka 2>/dev/null && echo ON || echo OFF)

.PHONY: all demo test bench install asan tsan torture fork repeat programs fuzz model clean help need-build need-tests need-bench

all: | build                            ## build the library, the examples and, where cmocka is, the tests
	$(call build,release,$(tests-if-possible))

demo: need-build | build                ## set up, build, and run the full-text index under load: about 20 s; DEMO=--serve stays
	$(call build,release,$(tests-if-possible),--target search)
	GODEBUG=gctrace=1$(if $(GODEBUG),$(comma)$(GODEBUG)) build/release/examples/search/search $(DEMO)

test: need-tests | build                ## set up, build, and run all tests: about 15 minutes
	$(call build,release,-DTRICOLOR_TESTS=ON)
	$(call check,release)

bench: need-bench | build               ## build and run the benchmarks into bench/results/: about an hour; BENCH=--quick for less
	$(call build,bench,,--target bench-programs)
	bench/run --build build/bench $(BENCH)
	$(call build,release,$(tests-if-possible))
	bench/programs/run build/release | tee build/bench/programs.md

install: all                            ## install under PREFIX (and DESTDIR)
	DESTDIR='$(DESTDIR)' cmake --install build/release --prefix '$(PREFIX)'
ifeq ($(DESTDIR),)
	@PATH=$$PATH:/sbin:/usr/sbin; ldconfig 2>/dev/null; ldconfig -p | grep -qF '$(PREFIX)/lib' || \
	    echo "The loader does not look in $(PREFIX)/lib: link with -Wl,-rpath,$(PREFIX)/lib, or set LD_LIBRARY_PATH=$(PREFIX)/lib. (What tricc links finds it.)"
endif

asan: need-tests | build                ## the tests under the address and undefined-behaviour sanitizers
	$(call build,asan)
	$(call check,asan,-E '$(ASAN_LEAVES_OUT)')

tsan: need-tests | build                ## the tests under the thread sanitizer, but for some (docs/design/sanitizers.md)
	$(call build,tsan)
	$(call check,tsan,-E '$(TSAN_LEAVES_OUT)')

torture: need-tests | build             ## the long torture run, limits shrunk: an hour, or TORTURE_SECONDS=…
	$(call build,torture)
	$(call check,torture,-R '^torture/')
	build/torture/tests/torture/torture --seconds $(TORTURE_SECONDS)

repeat: need-tests | build              ## tests of goroutines and of the end of life, 20 times each: half an hour; REPEAT=… TIMES=…
	$(call build,release,-DTRICOLOR_TESTS=ON)
	$(call check,release,-R '$(value REPEAT)' --repeat until-fail:$(TIMES))

fork: need-tests | build                ## fork 1,000 times in each phase of the cycle, or FORKS=…: about 10 minutes
	$(call build,release,-DTRICOLOR_TESTS=ON,--target system_forks_in_phases)
	WATCHDOG_SECONDS=7200 build/release/tests/system/system_forks_in_phases $(FORKS)

programs: need-tests | build            ## whole programs, built by tricc -fmanaged-malloc, and their own tests: about half an hour
	@tools/need --optional $(PROGRAM_PACKAGES)
	$(call build,release,-DTRICOLOR_TESTS=ON)
	$(call check,release,-C Programs -R '^programs/')

fuzz: need-tests | build                ## fuzz strings, slices, maps, and the debug pages: 10 minutes each, or FUZZ_SECONDS=…
	$(call build,release,-DTRICOLOR_TESTS=ON,--target tricolor)
	for target in fuzz_map fuzz_text; do \
	    tests/data/fuzz.sh "$(CURDIR)" "$(CURDIR)/build/release/src" "$(CURDIR)/build/fuzz" $$target seconds $(FUZZ_SECONDS) || exit 1; \
	done
	$(call build,release,,--target obs_served)
	python3 -B tests/obs/pages.py build/release/tests/obs/obs_served fuzz $(FUZZ_SECONDS)

model: need-tests | build               ## the model of barrier, handshakes and termination
	$(call build,release,-DTRICOLOR_TESTS=ON)
	$(call check,release,-R '^model/')

clean:                                  ## remove everything that was built
	rm -rf build

help:                                   ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

comma := ,
build:
	mkdir -p build
need-build:
	@tools/need $(BUILD_PACKAGES)
	@tools/need --optional $(DEBUG_PACKAGES)
need-tests:
	@tools/need $(TEST_PACKAGES)
	@tools/need --optional $(EXTRA_PACKAGES)
	@tools/need --optional $(SIGHT_PACKAGES)
need-bench: ; @tools/need $(BENCH_PACKAGES)
