# The device core on a 32-bit RISC-V, as in an ESP32-C3: built with real cross tools and run by QEMU,
# which counts instructions exactly (docs/cost.md). On both versions of mbedtls, built for it from
# the sources of Debian's packages with what a verifier needs (tests/rv32/verify_only.h).
#
#   build/rv32-<version>/judge-vectors   the corpus: a verdict for each case
#   build/rv32-<version>/cost            what a verification costs
#   build/rv32-<version>/stream          what an image costs on its way into flash
#
# Where tools or sources can't be had, a line says so, and the tests say what they leave out.

RV32_VERSIONS := 2.28 3.6
RV32_SOURCE = .cache/mbedtls-source/$(1)

RV32_CC ?= riscv64-unknown-elf-gcc
RV32_CXX ?= riscv64-unknown-elf-g++
RV32_FLAGS := --specs=picolibc.specs -march=rv32imc -mabi=ilp32 -Os -ffunction-sections -fdata-sections
RV32_MBEDTLS_FLAGS = -Itests/rv32 -DMBEDTLS_CONFIG_FILE=\"verify_only.h\"
RV32_CXXFLAGS = $(RV32_FLAGS) -std=$(CXX_STANDARD) -fno-exceptions -fno-rtti \
  -fno-threadsafe-statics $(DEVICE_WARNINGS) -Isrc -Itests
RV32_LINK := -nostartfiles -nostdlib -Wl,--gc-sections,--no-warn-rwx-segments

# What knows mbedtls is compiled for each version, and all else once.
RV32_ON_MBEDTLS := src/secureota/crypto_mbedtls.cpp tests/rv32/bare.cpp tests/rv32/stream.cpp
RV32_SHARED := $(DEVICE_CORE) $(addprefix tests/rv32/,start.S board.cpp heap.cpp batch.cpp)
RV32_judge-vectors := $(RV32_SHARED) tests/rv32/judge_vectors.cpp
RV32_cost := $(RV32_SHARED) $(addprefix tests/rv32/,stack.cpp bare.cpp cost.cpp)
RV32_stream := $(RV32_SHARED) tests/rv32/stream.cpp
RV32_PROGRAMS := judge-vectors cost stream

# $(1): version of mbedtls, $(2): sources
rv32_objects = $(addsuffix .o,$(basename $(addprefix build/rv32/,$(filter-out $(RV32_ON_MBEDTLS),$(2))) \
  $(addprefix build/rv32-$(1)/,$(filter $(RV32_ON_MBEDTLS),$(2)))))

.PHONY: setup-rv32 rv32
setup-rv32:
	$(SETUP) rv32

# Set-up has said in a line what is not there, and mbedtls_source.py does. All that can be built is
# built by one make: the versions share objects.
RV32_CAN_BE_RUN = command -v qemu-system-riscv32 && \
  echo '\#include <string.h>' | $(RV32_CXX) $(RV32_FLAGS) -E -x c++ -
rv32: setup-rv32
	@programs=; \
	($(RV32_CAN_BE_RUN)) > /dev/null 2>&1 && for version in $(RV32_VERSIONS); do \
	  $(PYTHON) tools/mbedtls_source.py $$version $(call RV32_SOURCE,$$version) && got=0 || got=$$?; \
	  case $$got in \
	    0) programs="$$programs rv32-$$version";; \
	    3) rm -rf build/rv32-$$version;; \
	    *) exit $$got;; \
	  esac; \
	done || rm -rf build/rv32-*; \
	test -z "$$programs" || $(MAKE) --no-print-directory $$programs

# $(1): a version of mbedtls
define rv32_variant
.PHONY: rv32-$(1)
rv32-$(1): $(RV32_PROGRAMS:%=build/rv32-$(1)/%)
	@:

# mbedtls takes longest and changes least: it is kept where `make clean` does not come.
.cache/rv32-$(1)/flags: setup-rv32
	@$$(call keep_flags,$$(RV32_CC) $$(RV32_FLAGS) $$(RV32_MBEDTLS_FLAGS))
.cache/rv32-$(1)/%.o: $(call RV32_SOURCE,$(1))/library/%.c tests/rv32/verify_only.h .cache/rv32-$(1)/flags
	@echo "cc $$@"
	@$$(RV32_CC) $$(RV32_FLAGS) $$(RV32_MBEDTLS_FLAGS) -I$(call RV32_SOURCE,$(1))/include -c $$< -o $$@
.cache/rv32-$(1)/libmbedtls.a: $(patsubst $(call RV32_SOURCE,$(1))/library/%.c,.cache/rv32-$(1)/%.o,\
    $(wildcard $(call RV32_SOURCE,$(1))/library/*.c))
	@echo "ar $$@"
	@rm -f $$@; $$(RV32_CC:gcc=ar) rcs $$@ $$^

build/rv32-$(1)/flags: setup-rv32
	@$$(call keep_flags,$$(RV32_CXX) $$(RV32_CXXFLAGS) $$(RV32_MBEDTLS_FLAGS))
build/rv32-$(1)/%.o: %.cpp build/rv32-$(1)/flags
	@mkdir -p $$(@D)
	@echo "c++ $$@"
	@$$(RV32_CXX) $$(RV32_CXXFLAGS) $$(RV32_MBEDTLS_FLAGS) -isystem $(call RV32_SOURCE,$(1))/include \
	  -MMD -MP -c $$< -o $$@
$(foreach program,$(RV32_PROGRAMS),
build/rv32-$(1)/$(program): $(call rv32_objects,$(1),$(RV32_$(program))))
$(RV32_PROGRAMS:%=build/rv32-$(1)/%): .cache/rv32-$(1)/libmbedtls.a tests/rv32/rv32.ld
	@echo "link $$@"
	@$$(RV32_CXX) $$(RV32_FLAGS) $$(RV32_LINK) -T tests/rv32/rv32.ld $$(filter %.o,$$^) $$< -lc -lgcc -o $$@
endef
$(foreach version,$(RV32_VERSIONS),$(eval $(call rv32_variant,$(version))))

build/rv32/flags: setup-rv32
	@$(call keep_flags,$(RV32_CXX) $(RV32_CXXFLAGS))
build/rv32/%.o: %.cpp build/rv32/flags
	@mkdir -p $(@D)
	@echo "c++ $@"
	@$(RV32_CXX) $(RV32_CXXFLAGS) -MMD -MP -c $< -o $@
build/rv32/%.o: %.S build/rv32/flags
	@mkdir -p $(@D)
	@$(RV32_CC) $(RV32_FLAGS) -c $< -o $@
