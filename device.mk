# The device half on the host: the programs of `make device`, the C++ tests, the compile-only checks.
#
# Two variants of everything: build/device (optimised, as it would be shipped) and
# build/device-asan (AddressSanitizer and UndefinedBehaviorSanitizer; what the tests run).

CXX_STANDARD ?= gnu++11

# Homebrew keeps mbedtls out of the compiler's way.
ifeq ($(shell uname -s),Darwin)
MBEDTLS_PREFIX ?= $(shell brew --prefix mbedtls@3 2>/dev/null)
MBEDTLS_CFLAGS ?= -isystem $(MBEDTLS_PREFIX)/include
MBEDTLS_LIBS ?= -L$(MBEDTLS_PREFIX)/lib -lmbedcrypto
endif

# Another mbedtls: make device MBEDTLS_CFLAGS="-isystem <dir>/include" MBEDTLS_LIBS=<dir>/libmbedcrypto.a
MBEDTLS_CFLAGS ?=
MBEDTLS_LIBS ?= -lmbedcrypto
export MBEDTLS_CFLAGS MBEDTLS_LIBS

DEVICE_CORE := $(wildcard src/secureota/*.cpp)
DEVICE_LIBRARY := $(DEVICE_CORE) $(wildcard src/SecureOTA.cpp src/secureota/port/posix/*.cpp)
DEVICE_EXAMPLE := $(wildcard examples/EmulatedDevice/src/*.cpp)
DEVICE_TESTS := $(patsubst tests/device/%.cpp,%,$(wildcard tests/device/test_*.cpp))

# -Wconversion: lengths and offsets of untrusted bytes must not change their value on the way.
# The signed half of it stays off: it speaks up for every `int` index and has nothing to find here.
DEVICE_WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion \
  -Wvla -Werror
DEVICE_CXXFLAGS = -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti $(DEVICE_WARNINGS) -Isrc \
  $(MBEDTLS_CFLAGS) $(CXXFLAGS)

VARIANT_FLAGS_device := -O2 -g
VARIANT_FLAGS_device-asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=all

.PHONY: device device-asan device-test device-compile
device: build/device/verify-image build/device/emulated-device

device-asan: build/device-asan/verify-image build/device-asan/emulated-device \
  $(DEVICE_TESTS:%=build/device-asan/%)

# Each test program says "N passed, M failed" as its last line and exits with 0 if M is 0.
device-test: device-asan device-compile
	@for test in $(DEVICE_TESTS:%=build/device-asan/%); do echo "$$test"; $$test || exit 1; done

# What Arduino core 3.x compiles; device-asan has covered gnu++11.
device-compile: $(DEVICE_LIBRARY:%.cpp=build/device-gnu++17/%.checked)

build/device-gnu++17/%.checked: CXX_STANDARD := gnu++17
build/device-gnu++17/%.checked: %.cpp build/device-gnu++17/flags
	@mkdir -p $(@D)
	@echo "c++ $@"
	@$(CXX) $(DEVICE_CXXFLAGS) -O1 -MMD -MP -MT $@ -MF $(@:.checked=.d) -c $< -o $(@:.checked=.o)
	@touch $@

build/device-gnu++17/flags: CXX_STANDARD := gnu++17
build/device-gnu++17/flags: setup-device
	@$(call keep_flags,$(CXX) $(DEVICE_CXXFLAGS))

# Everything depends on its variant's flags file, and that one on the set-up. It is rewritten only
# when its content changes: other flags rebuild, the same flags do not.
define keep_flags
mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
endef

# $(1): the variant.
define device_variant
build/$(1)/flags: setup-device
	@$$(call keep_flags,$$(CXX) $$(DEVICE_CXXFLAGS) $$(VARIANT_FLAGS_$(1)) $$(MBEDTLS_LIBS) $$(LDFLAGS))

build/$(1)/obj/%.o: %.cpp build/$(1)/flags
	@mkdir -p $$(@D)
	@echo "c++ $$@"
	@$$(CXX) $$(DEVICE_CXXFLAGS) $$(VARIANT_FLAGS_$(1)) -MMD -MP -c $$< -o $$@

build/$(1)/verify-image: build/$(1)/obj/tests/device/verify_image.o
build/$(1)/emulated-device: $(DEVICE_EXAMPLE:%.cpp=build/$(1)/obj/%.o)
$(DEVICE_TESTS:%=build/$(1)/%): build/$(1)/%: build/$(1)/obj/tests/device/%.o

build/$(1)/verify-image build/$(1)/emulated-device $(DEVICE_TESTS:%=build/$(1)/%): \
  $(DEVICE_LIBRARY:%.cpp=build/$(1)/obj/%.o)
	@echo "link $$@"
	@$$(CXX) $$(VARIANT_FLAGS_$(1)) $$^ $$(LDFLAGS) $$(MBEDTLS_LIBS) -o $$@
endef
$(foreach variant,device device-asan,$(eval $(call device_variant,$(variant))))

-include $(shell find build -name '*.d' 2>/dev/null)
