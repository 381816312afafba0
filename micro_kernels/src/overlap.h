/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whether rows of maps lie over other memory. Internal.
 */
#ifndef TFLM_PATCH_SRC_OVERLAP_H_
#define TFLM_PATCH_SRC_OVERLAP_H_

#include "kernel.h"

/* Bytes [at, at + n) of a region. */
typedef struct {
  uint32_t region;
  uint32_t at;
  uint32_t n;
} tflm_patch_bytes;

int tflm_patch_bytes_overlap(const tflm_patch_bytes* a,
                             const tflm_patch_bytes* b);

/* Whether rows [first, end) of a map lie over some bytes. Whatever lies between two
 * of the rows counts as theirs. The map and the bytes lie in their regions; so 32
 * bits hold every sum (src/overlap.c). */
int tflm_patch_rows_overlap(const tflm_patch_map* map, uint32_t first,
                            uint32_t end, const tflm_patch_bytes* bytes);

/* Rows [first, end) of a map, at least one, that is whole and in one piece. */
tflm_patch_bytes tflm_patch_rows_bytes(const tflm_patch_map* map,
                                       uint32_t first, uint32_t end);

/* An operator's scratch. */
tflm_patch_bytes tflm_patch_scratch_bytes(const tflm_patch_op* op);

#endif /* TFLM_PATCH_SRC_OVERLAP_H_ */
