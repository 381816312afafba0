/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "overlap.h"

/* Slots [first, end), at least one, of a piece of a map that begins at an offset.
 * What is beyond 32 bits on the way is not in the results, which are in the region. */
static tflm_patch_bytes piece_bytes(const tflm_patch_map* map, uint32_t region,
                                    uint32_t offset, uint32_t first,
                                    uint32_t end) {
  const uint32_t step = (uint32_t)map->row_bytes;
  const uint32_t reach = (end - 1 - first) * (map->row_bytes < 0 ? 0u - step : step);
  const uint32_t lowest = map->row_bytes < 0 ? end - 1 : first;
  const tflm_patch_bytes bytes = {
      region, offset + lowest * step,
      reach + tflm_patch_row_values(map) * tflm_patch_type_bytes(map->type)};
  return bytes;
}

int tflm_patch_bytes_overlap(const tflm_patch_bytes* a,
                             const tflm_patch_bytes* b) {
  return a->n != 0 && b->n != 0 && a->region == b->region &&
         a->at < b->at + b->n && b->at < a->at + a->n;
}

static int piece_overlaps(const tflm_patch_map* map, uint32_t region,
                          uint32_t offset, uint32_t first, uint32_t end,
                          const tflm_patch_bytes* bytes) {
  if (first >= end) {
    return 0;
  }
  const tflm_patch_bytes piece = piece_bytes(map, region, offset, first, end);
  return tflm_patch_bytes_overlap(&piece, bytes);
}

/* Slots [first, end) of a map. */
static int pieces_overlap(const tflm_patch_map* map, uint32_t first,
                          uint32_t end, const tflm_patch_bytes* bytes) {
  const uint32_t split = map->split;
  return piece_overlaps(map, map->region, map->offset, first,
                       end < split ? end : split, bytes) ||
         (end > split &&
          piece_overlaps(map, map->split_region, map->split_offset,
                        first > split ? first - split : 0, end - split, bytes));
}

int tflm_patch_rows_overlap(const tflm_patch_map* map, uint32_t first,
                            uint32_t end, const tflm_patch_bytes* bytes) {
  const uint32_t ring = map->ring_rows;
  if (first >= end || bytes->n == 0) {
    return 0;
  }
  if (end - first >= ring) {
    return pieces_overlap(map, 0, ring, bytes);
  }
  const uint32_t slot = first % ring;
  const uint32_t last = slot + (end - first);
  return pieces_overlap(map, slot, last < ring ? last : ring, bytes) ||
         (last > ring && pieces_overlap(map, 0, last - ring, bytes));
}

tflm_patch_bytes tflm_patch_rows_bytes(const tflm_patch_map* map,
                                       uint32_t first, uint32_t end) {
  return piece_bytes(map, map->region, map->offset, first, end);
}

tflm_patch_bytes tflm_patch_scratch_bytes(const tflm_patch_op* op) {
  const tflm_patch_bytes bytes = {op->scratch_region, op->scratch,
                                  op->scratch_bytes};
  return bytes;
}
