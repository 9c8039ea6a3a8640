# The device half on the host: the programs of `make device`, the C++ tests, the compile-only checks.
#
# Two variants of everything: build/device (optimised, as it would be shipped) and
# build/device-asan (AddressSanitizer and UndefinedBehaviorSanitizer; what the tests run). Of some
# programs there is build/device-mbedtls3 too, on another version of the cryptography.

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
DEVICE_LIBRARY := $(DEVICE_CORE) $(wildcard src/*.cpp src/secureota/port/posix/*.cpp)
DEVICE_EXAMPLE := $(wildcard examples/EmulatedDevice/src/*.cpp)
DEVICE_TESTS := $(patsubst tests/device/%.cpp,%,$(wildcard tests/device/test_*.cpp))

# -Wconversion: lengths and offsets of untrusted bytes must not change their value on the way.
# The signed half of it stays off: it speaks up for every `int` index and has nothing to find here.
DEVICE_WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion \
  -Wvla -Werror
DEVICE_CXXFLAGS = -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti $(DEVICE_WARNINGS) -Isrc \
  -pthread $(MBEDTLS_CFLAGS) $(CXXFLAGS)

VARIANT_FLAGS_device := -O2 -g
VARIANT_FLAGS_device-asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=all

.PHONY: device device-asan device-test device-compile
device: build/device/verify-image build/device/emulated-device

device-asan: build/device-asan/verify-image build/device-asan/judge-path \
  build/device-asan/judge-manifest \
  build/device-asan/emulated-device $(DEVICE_TESTS:%=build/device-asan/%)

# Each test program says "N passed, M failed" as its last line and exits with 0 if M is 0. Its lines
# are shown together when it is done: under make -j two run at once.
DEVICE_RUNS := $(DEVICE_TESTS:%=run/device-asan/%) run/device-tsan/test_overlapped_sink

.PHONY: $(DEVICE_RUNS)
device-test: device-asan device-compile device-mbedtls3 $(DEVICE_RUNS)
$(DEVICE_RUNS): run/%: build/%
	@$< > $<.log 2>&1; status=$$?; echo '$<'; cat $<.log; exit $$status

# What is compiled and not run: the library as newer cores compile it, and the port to the chip and
# its sketches against declarations of the two Arduino cores that are supported.
ESP32_DECLARATIONS := tests/device/arduino-esp32-declarations
ESP32_SHARED := socket sockets tcp_stream overlapped_sink partition_writer filesystem_sink
ESP32_SOURCES := $(DEVICE_CORE) $(wildcard src/*.cpp src/secureota/port/esp32/*.cpp \
  $(ESP32_SHARED:%=src/secureota/port/posix/%.cpp) $(foreach sketch,BasicSecureOTA SecureOTA-PublicTSA HTTPUpdate WebUpdate,examples/$(sketch)/src/*.cpp))
ESP32_FLAGS := -DESP32 -DARDUINO=10819 -DARDUINO_ARCH_ESP32

# $(1): name, $(2): standard, $(3): sources, $(4): more flags
define compile_only
device-compile: $(3:%.cpp=build/$(1)/%.o)
build/$(1)/flags: setup-device
	@$$(call keep_flags,$$(CXX) $$(DEVICE_CXXFLAGS) -std=$(2) $(4))
build/$(1)/%.o: %.cpp build/$(1)/flags
	@mkdir -p $$(@D)
	@echo "c++ $$@"
	@$$(CXX) $$(DEVICE_CXXFLAGS) -std=$(2) $(4) -O1 -MMD -MP -c $$< -o $$@
endef
$(eval $(call compile_only,device-gnu++17,gnu++17,$(DEVICE_LIBRARY)))
$(eval $(call compile_only,device-esp32-core2,gnu++11,$(ESP32_SOURCES),$(ESP32_FLAGS) \
  -I$(ESP32_DECLARATIONS)/2.0.17 -I$(ESP32_DECLARATIONS)/common))
$(eval $(call compile_only,device-esp32-core3,gnu++17,$(ESP32_SOURCES),$(ESP32_FLAGS) \
  -I$(ESP32_DECLARATIONS)/3.3.x -I$(ESP32_DECLARATIONS)/common))

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
build/$(1)/judge-path: build/$(1)/obj/tests/device/judge_path.o
build/$(1)/judge-manifest: build/$(1)/obj/tests/device/judge_manifest.o
build/$(1)/emulated-device: $(DEVICE_EXAMPLE:%.cpp=build/$(1)/obj/%.o)
$(DEVICE_TESTS:%=build/$(1)/%): build/$(1)/%: build/$(1)/obj/tests/device/%.o

build/$(1)/verify-image build/$(1)/judge-path build/$(1)/judge-manifest build/$(1)/emulated-device \
$(DEVICE_TESTS:%=build/$(1)/%): \
  $(DEVICE_LIBRARY:%.cpp=build/$(1)/obj/%.o)
	@echo "link $$@"
	@$$(CXX) -pthread $$(VARIANT_FLAGS_$(1)) $$^ $$(LDFLAGS) $$(MBEDTLS_LIBS) -o $$@
endef
$(foreach variant,device device-asan device-mbedtls3,$(eval $(call device_variant,$(variant))))

# What has more than one task, under ThreadSanitizer.
TWO_TASKS := tests/device/test_overlapped_sink.cpp src/secureota/port/posix/overlapped_sink.cpp \
  src/secureota/error.cpp

.PHONY: device-tsan
device-tsan: build/device-tsan/test_overlapped_sink
build/device-tsan/test_overlapped_sink: $(TWO_TASKS) $(wildcard src/secureota/*.h) \
  src/secureota/port/posix/overlapped_sink.h tests/device/check.h | setup-device
	@mkdir -p $(@D)
	@echo "link $@"
	@$(CXX) $(DEVICE_CXXFLAGS) -O1 -g -fsanitize=thread $(TWO_TASKS) $(LDFLAGS) -o $@

# The same on mbedtls 3.6: what touches cryptography, and the verifier as a program. Where the
# library can't be had, tools/mbedtls3.py says so, and the tests say what they leave out.
MBEDTLS3 := .cache/mbedtls3
VARIANT_FLAGS_device-mbedtls3 := $(VARIANT_FLAGS_device-asan)
build/device-mbedtls3/%: MBEDTLS_CFLAGS := -isystem $(MBEDTLS3)/include
build/device-mbedtls3/%: MBEDTLS_LIBS := $(MBEDTLS3)/libmbedcrypto.a

.PHONY: device-mbedtls3 device-mbedtls3-programs
device-mbedtls3: setup-device
	@$(PYTHON) tools/mbedtls3.py $(MBEDTLS3) > /dev/null && built=0 || built=$$?; \
	case $$built in \
	  0) $(MAKE) --no-print-directory device-mbedtls3-programs;; \
	  3) rm -rf build/device-mbedtls3;; \
	  *) exit $$built;; \
	esac

device-mbedtls3-programs: build/device-mbedtls3/verify-image build/device-mbedtls3/test_auth
	@echo build/device-mbedtls3/test_auth; build/device-mbedtls3/test_auth

-include $(shell find build -name '*.d' 2>/dev/null)
