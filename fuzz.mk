# The fuzzers of the device core: clang's libFuzzer with ASan and UBSan (docs/fuzzing.md).
#
# Three targets, each twice: with a stub in the place of the cryptography, and with the real one; and
# three with the stub alone: one needs no cryptography, and two are other ways to the same Updater.

FUZZ_CXX ?= clang++
FUZZ_SECONDS ?= 30
FUZZ_TARGETS := token updater receiver
FUZZ_MODES := stub real
FUZZ_STUB_ALONE := manifest pull web
FUZZ_PROGRAMS := $(foreach target,$(FUZZ_TARGETS),$(FUZZ_MODES:%=build/fuzz/$(target)-%)) \
  $(FUZZ_STUB_ALONE:%=build/fuzz/%-stub)

FUZZ_CXXFLAGS = -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti -Wall -Wextra -Wshadow -Werror \
  -O2 -g -fno-omit-frame-pointer -Isrc -Itests/fuzz $(MBEDTLS_CFLAGS)

# The core alone is watched by the sanitizers and steers the fuzzer. The harness is not: ways through
# it are nothing to look for. Nor are comparisons traced, which takes half of the time: the mutators
# set right what is compared, and memcmp() is seen anyway.
FUZZ_WATCHED := -fsanitize=address,undefined -fno-sanitize-recover=all \
  -fsanitize-coverage=inline-8bit-counters,pc-table
build/fuzz/obj/src/%.o: FUZZ_CXXFLAGS += $(FUZZ_WATCHED)

# What tests/fuzz/meter.cpp stands in front of.
FUZZ_METERED := _ZN9secureota6digestENS_15DigestAlgorithmENS_5BytesEPh \
  _ZN9secureota6Digest5beginENS_15DigestAlgorithmE _ZN9secureota6Digest6updateENS_5BytesE \
  _ZN9secureota15verifySignatureENS_5BytesENS_15DigestAlgorithmES0_S0_ \
  _ZN9secureota12pbkdf2Sha256ENS_5BytesES0_jPh _ZN9secureota10hmacSha256ENS_5BytesES0_Ph

FUZZ_SHARED := $(filter-out src/secureota/crypto_%,$(DEVICE_CORE)) $(addprefix tests/fuzz/, \
  der_tree.cpp device.cpp harness_heap.cpp meter.cpp mutator.cpp repair.cpp second_opinion.cpp world.cpp)
FUZZ_OF_receiver := host.cpp target.cpp upload.cpp upload_hosts.cpp
FUZZ_OF_pull := host.cpp target.cpp http_opinion.cpp fetch.cpp fetch_server.cpp
FUZZ_OF_web := host.cpp target.cpp head_opinion.cpp visits.cpp visits_browser.cpp
FUZZ_CRYPTO_stub := tests/fuzz/crypto_stub.cpp
FUZZ_CRYPTO_real := tests/fuzz/crypto_real.cpp src/secureota/crypto_mbedtls.cpp
FUZZ_LIBS_real = $(MBEDTLS_LIBS)

.PHONY: setup-fuzz fuzz-build fuzz
setup-fuzz:
	$(SETUP) device fuzz

fuzz-build: $(FUZZ_PROGRAMS)

build/fuzz/flags: setup-fuzz
	@$(call keep_flags,$(FUZZ_CXX) $(FUZZ_CXXFLAGS) $(FUZZ_WATCHED) $(MBEDTLS_LIBS))

build/fuzz/obj/%.o: %.cpp build/fuzz/flags
	@mkdir -p $(@D)
	@echo "c++ $@"
	@$(FUZZ_CXX) $(FUZZ_CXXFLAGS) -MMD -MP -c $< -o $@

# $(1): target, $(2): mode
define fuzz_program
build/fuzz/$(1)-$(2): $(patsubst %.cpp,build/fuzz/obj/%.o,$(FUZZ_SHARED) $(FUZZ_CRYPTO_$(2)) \
  $(addprefix tests/fuzz/,$(FUZZ_OF_$(1)) fuzz_$(1).cpp))
	@echo "link $$@"
	@$$(FUZZ_CXX) -fsanitize=fuzzer,address,undefined $$^ $$(FUZZ_METERED:%=-Wl,--wrap=%) \
	  $$(FUZZ_LIBS_$(2)) -o $$@
endef
$(foreach target,$(FUZZ_TARGETS),$(foreach mode,$(FUZZ_MODES),\
  $(eval $(call fuzz_program,$(target),$(mode)))))
$(foreach target,$(FUZZ_STUB_ALONE),$(eval $(call fuzz_program,$(target),stub)))

fuzz: setup-fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) fuzz-build
	@$(PYTHON) tests/fuzz/run.py --seconds $(FUZZ_SECONDS) --jobs $(JOBS)

# Starvation: a program of tests/device whose provider of cryptography is linked in as an archive,
# because only then does the linker send its allocations to us. The linker of macOS can't.
STARVATION_WRAPPED := malloc calloc realloc free
STARVATION_LIBS = $(patsubst -lmbedcrypto,-l:libmbedcrypto.a,$(MBEDTLS_LIBS))

# $(1): the variant of device.mk
define starvation_program
build/$(1)/starvation: build/$(1)/obj/tests/device/starvation.o \
  $(DEVICE_CORE:%.cpp=build/$(1)/obj/%.o)
	@echo "link $$@"
	@$$(CXX) $$(VARIANT_FLAGS_$(1)) $$^ $$(STARVATION_WRAPPED:%=-Wl,--wrap=%) $$(LDFLAGS) \
	  $$(STARVATION_LIBS) -pthread -o $$@
endef
$(foreach variant,device device-asan,$(eval $(call starvation_program,$(variant))))
