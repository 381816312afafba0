# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The stage operator for builds by make. Sets
#
#   TFLM_PATCH_C_SRCS    C11 sources
#   TFLM_PATCH_CC_SRCS   C++14 sources
#   TFLM_PATCH_HDRS      headers
#   TFLM_PATCH_INCLUDES  flags for both
#
# so that a build of your own includes this file and compiles them. TFLM's Makefile
# takes the objects into its library, libtensorflow-microlite.a, when it is given
# this file first; from the top of TFLM's tree:
#
#   make -f path/to/micro_kernels/tflm_patch.mk \
#     -f tensorflow/lite/micro/tools/make/Makefile microlite
#
# with TARGET= and the like as ever. Applications then need TFLM_PATCH_INCLUDES,
# too: TFLM's EXTERNAL_DIR=path/to/micro_kernels/include does that.
#
# TFLM_PATCH_KERNEL_TABLE_FILE names a header of tflm_patch.codegen that says what
# the models need of the kernels; empty for all.

TFLM_PATCH_DIR := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))

TFLM_PATCH_C_SRCS := $(sort $(wildcard $(TFLM_PATCH_DIR)/src/*.c $(TFLM_PATCH_DIR)/src/*/*.c \
  $(TFLM_PATCH_DIR)/src/*/*/*.c))
TFLM_PATCH_CC_SRCS := $(TFLM_PATCH_DIR)/tflm/stage_op.cc
TFLM_PATCH_HDRS := $(sort $(wildcard $(TFLM_PATCH_DIR)/include/tflm_patch/*.h \
  $(TFLM_PATCH_DIR)/include/tflm_patch/*/*.h $(TFLM_PATCH_DIR)/src/*.h \
  $(TFLM_PATCH_DIR)/src/*/*.h $(TFLM_PATCH_DIR)/src/*/*/*.h $(TFLM_PATCH_DIR)/tflm/*.h))
TFLM_PATCH_INCLUDES := -I$(TFLM_PATCH_DIR)/include

ifneq ($(TFLM_PATCH_KERNEL_TABLE_FILE),)
  TFLM_PATCH_HDRS += $(abspath $(TFLM_PATCH_KERNEL_TABLE_FILE))
  TFLM_PATCH_INCLUDES += -DTFLM_PATCH_KERNEL_TABLE_FILE='"$(abspath $(TFLM_PATCH_KERNEL_TABLE_FILE))"'
endif

# For TFLM's Makefile. Its CC, CCFLAGS, INCLUDES and so on are those of the time at
# which a recipe runs; its GENDIR is not known yet.
TFLM_PATCH_OBJ_DIR := gen/tflm_patch/$(or $(TARGET),host)_$(or $(TARGET_ARCH),default)_$(or $(BUILD_TYPE),default)
TFLM_PATCH_OBJS := \
  $(patsubst $(TFLM_PATCH_DIR)/%.c,$(TFLM_PATCH_OBJ_DIR)/%.o,$(TFLM_PATCH_C_SRCS)) \
  $(patsubst $(TFLM_PATCH_DIR)/%.cc,$(TFLM_PATCH_OBJ_DIR)/%.o,$(TFLM_PATCH_CC_SRCS))
MICROLITE_CUSTOM_OP_OBJS += $(TFLM_PATCH_OBJS)

$(TFLM_PATCH_OBJ_DIR)/%.o: $(TFLM_PATCH_DIR)/%.c $(TFLM_PATCH_HDRS)
	@mkdir -p $(dir $@)
	$(CC) $(CCFLAGS) $(KERNEL_OPTIMIZATION_LEVEL) $(TFLM_PATCH_INCLUDES) -c $< -o $@

$(TFLM_PATCH_OBJ_DIR)/%.o: $(TFLM_PATCH_DIR)/%.cc $(TFLM_PATCH_HDRS)
	@mkdir -p $(dir $@)
	$(CXX) $(CXXFLAGS) $(CORE_OPTIMIZATION_LEVEL) $(TFLM_PATCH_INCLUDES) $(INCLUDES) -c $< -o $@
