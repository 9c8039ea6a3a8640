# The portable core compiled for the chips: warnings are errors, what it needs from outside is held
# to a list (tools/freestanding.py), and its size is known (`make size`, docs/size.md).
#
# Nothing is run here. A target whose compiler is not installed is left out, in one line that says so.

CROSS_TARGETS := rv32imc cortex-m33 cortex-m0plus lx106 x86-32

# The ESP32-C3 and its kin, with a C library and no C++ library at all.
CROSS_CXX_rv32imc := riscv64-unknown-elf-g++ -march=rv32imc -mabi=ilp32
CROSS_LIBC_rv32imc := --specs=picolibc.specs
CROSS_CXX_cortex-m33 := arm-none-eabi-g++ -mthumb -mcpu=cortex-m33
CROSS_LIBC_cortex-m33 := --specs=picolibc.specs
CROSS_CXX_cortex-m0plus := arm-none-eabi-g++ -mthumb -mcpu=cortex-m0plus
CROSS_LIBC_cortex-m0plus := --specs=picolibc.specs
# The ESP8266.
CROSS_CXX_lx106 := xtensa-lx106-elf-g++
# This machine's own compiler with 32-bit pointers, as a second opinion about conversions.
CROSS_CXX_x86-32 := g++ -m32 -fno-pie -fno-asynchronous-unwind-tables

# Sections as the Arduino cores and ESP-IDF have them, so that a linker leaves out what nobody calls.
CROSS_OPTIMISATION := -Os -ffunction-sections -fdata-sections
CROSS_CXXFLAGS = -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti $(DEVICE_WARNINGS) -Isrc \
  $(CROSS_OPTIMISATION) -isystem $(CROSS_HEADERS) \
  -DMBEDTLS_USER_CONFIG_FILE='"$(CURDIR)/tests/device/cross/mbedtls_without_threads.h"'

# What a device calls to judge a token; a linker that starts here finds all that this needs.
CROSS_ENTRIES := _ZN9secureota11verifyTokenENS_5BytesERKNS_10TrustStoreERKNS_5RulesEPNS_13VerifiedTokenE \
  _ZN9secureota10TrustStore3addENS_5BytesE _ZN9secureota10TrustStore6addAllENS_5BytesE

.PHONY: setup-cross cross cross-all cross-headers size
setup-cross:
	$(SETUP) device cross

cross: cross-headers
	@$(MAKE) --no-print-directory -j$(JOBS) cross-all

size: cross
	@$(PYTHON) tools/size.py build/cross $(CROSS_TARGETS)

# mbedtls's headers and nothing else of the folder that they lie in: what is next to them on a host
# is not for these compilers.
CROSS_HEADERS := build/cross/include
cross-headers: setup-cross
	@mkdir -p $(CROSS_HEADERS)
	@headers=$$(echo '#include <mbedtls/version.h>' | $(CXX) $(MBEDTLS_CFLAGS) -M -x c++ - | \
	  tr ' ' '\n' | sed -n 's|/mbedtls/version\.h$$||p') && \
	  ln -sfn "$$headers/mbedtls" "$$headers/psa" $(CROSS_HEADERS)

# $(1): the target
define cross_target
build/cross/$(1)/flags: setup-cross
	@$$(call keep_flags,$$(CROSS_CXX_$(1)) $$(CROSS_LIBC_$(1)) $$(subst ',,$$(CROSS_CXXFLAGS)))

build/cross/$(1)/%.o: %.cpp build/cross/$(1)/flags
	@mkdir -p $$(@D)
	@echo "c++ $$@"
	@$$(CROSS_CXX_$(1)) $$(CROSS_LIBC_$(1)) $$(CROSS_CXXFLAGS) -MMD -MP -c $$< -o $$@

build/cross/$(1)/checked: $(DEVICE_CORE:%.cpp=build/cross/$(1)/%.o) tools/freestanding.py
	@$(PYTHON) tools/freestanding.py $$(filter %.o,$$^)
	@touch $$@

build/cross/$(1)/verification.map: build/cross/$(1)/checked
	@$$(CROSS_CXX_$(1)) -nostdlib -static -Wl,-Ttext,0x10000 -Wl,--gc-sections -Wl,--unresolved-symbols=ignore-all \
	  -Wl,-e,$$(firstword $$(CROSS_ENTRIES)) $$(CROSS_ENTRIES:%=-Wl,-u,%) -Wl,-Map,$$@ \
	  $(DEVICE_CORE:%.cpp=build/cross/$(1)/%.o) -o $$(@:.map=.elf)

.PHONY: cross-$(1)
cross-all: cross-$(1)
cross-$(1):
	@if echo '#include <string.h>' | $$(CROSS_CXX_$(1)) $$(CROSS_LIBC_$(1)) -fsyntax-only -x c++ - 2> /dev/null; \
	then $$(MAKE) --no-print-directory build/cross/$(1)/verification.map; \
	else rm -rf build/cross/$(1); echo 'cross: $(1) is left out: no $$(firstword $$(CROSS_CXX_$(1))) for it here'; fi
endef
$(foreach target,$(CROSS_TARGETS),$(eval $(call cross_target,$(target))))
