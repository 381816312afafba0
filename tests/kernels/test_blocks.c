/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * SPACE_TO_DEPTH and DEPTH_TO_SPACE.
 */
#include "rowwise_program.h"

enum { kRows = 6, kCols = 12, kChannels = 2, kValues = 6 * 12 * 2 };

static encoded block_program(int to_depth, uint8_t type, uint16_t block) {
  static builder b;
  const tflm_patch_block_params params = {block};
  const map_shape space = {type, kRows, kCols, kChannels, 0};
  const map_shape depth = {type, (uint16_t)(kRows / block), (uint16_t)(kCols / block),
                           (uint16_t)(kChannels * block * block), 0};
  builder_init(&b);
  return to_depth ? one_operator(&b, TFLM_PATCH_SPACE_TO_DEPTH, &space, 1, depth, &params,
                                 sizeof(params))
                  : one_operator(&b, TFLM_PATCH_DEPTH_TO_SPACE, &depth, 1, space, &params,
                                 sizeof(params));
}

/* Where a value of the map in space lies in the map in depth. */
static uint32_t place_in_depth(uint32_t row, uint32_t col, uint32_t channel, uint32_t block) {
  const uint32_t cell = row / block * (kCols / block) + col / block;
  const uint32_t part = row % block * block + col % block;
  return (cell * block * block + part) * kChannels + channel;
}

static void test_blocks(uint8_t type, uint32_t bytes, uint16_t block) {
  uint8_t space[kValues * 4];
  uint8_t depth[kValues * 4];
  uint32_t seed = 14;
  const uint8_t* value = space;
  test_fill(&seed, space, sizeof(space));
  for (uint32_t row = 0; row < kRows; ++row) {
    for (uint32_t col = 0; col < kCols; ++col) {
      for (uint32_t channel = 0; channel < kChannels; ++channel) {
        memcpy(depth + place_in_depth(row, col, channel, block) * bytes, value, bytes);
        value += bytes;
      }
    }
  }
  for (int to_depth = 0; to_depth < 2; ++to_depth) {
    static char name[60];
    const void* inputs[] = {to_depth ? space : depth};
    snprintf(name, sizeof(name), "%s, blocks of %d, %u bytes", to_depth ? "to depth" : "to space",
             block, (unsigned)bytes);
    test_case = name;
    encoded e = block_program(to_depth, type, block);
    check_program(&e, inputs, to_depth ? depth : space);
    encoded_free(&e);
  }
}

static void test_rejected(void) {
  for (int to_depth = 0; to_depth < 2; ++to_depth) {
    encoded e = block_program(to_depth, TFLM_PATCH_INT8, 2);
#define REJECT(change) CHECK_REJECTED(&e, tflm_patch_block_params, change, TFLM_PATCH_BAD_OP)
    REJECT(params->block = 0);
    REJECT(params->block = 1);
    REJECT(params->block = 3);
    REJECT(params->block = 0xFFFF);
    REJECT((encoded_map(&bad, 0)->type = TFLM_PATCH_UINT8, bad.tensors[0].type = TFLM_PATCH_UINT8));
    for (uint32_t i = 0; i < 2; ++i) { /* the same bytes in another shape */
      REJECT((encoded_map(&bad, i)->cols /= 2, encoded_map(&bad, i)->channels *= 2));
    }
    REJECT(encoded_op(&bad, 0)->n_inputs = 0);
#undef REJECT
    encoded_free(&e);
  }
}

int main(void) {
  for (uint16_t block = 1; block <= 6; ++block) {
    if (kRows % block == 0 && kCols % block == 0) {
      test_blocks(TFLM_PATCH_INT8, 1, block);
      test_blocks(TFLM_PATCH_FLOAT32, 4, block);
    }
  }
  test_rejected();
  return TEST_RESULT();
}
