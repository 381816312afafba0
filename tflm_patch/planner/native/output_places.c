/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "output_places.h"

static const tflm_patch_in_place kSamePlace = {0, 0, 0, 1};

/* Whether an output that lies over `below` alone may lie over all of its host. */
static bool may_lie(const tflm_patch_collector* collector, int32_t host, int32_t out) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  const tflm_patch_item* item = &collector->buffer[host].item;
  const tflm_patch_live_ranges* rows = &item->shape[item->shapes - 1];
  const tflm_patch_live_ranges* output = &collector->buffer[out].live_ranges;
  if (item->one_piece || t->dtype[host] != t->dtype[out] || t->rows[host] != t->rows[out] ||
      t->row_bytes[host] != t->row_bytes[out] || rows->count != t->rows[out]) {
    return false;
  }
  for (int32_t r = 0; r < rows->count; ++r) {
    if (rows->last[r] > output->made[r]) {
      return false;
    }
  }
  return true;
}

/* Lets a host and its guests lie under an output. */
static void lie(tflm_patch_collector* collector, int32_t host, int32_t out) {
  tflm_patch_buffer* below = &collector->buffer[host];
  const tflm_patch_live_ranges* rows = &below->item.shape[below->item.shapes - 1];
  tflm_patch_buffer* output = &collector->buffer[out];
  for (int32_t r = 0; r < rows->count; ++r) {
    if (rows->made[r] < output->live_ranges.made[r]) {
      output->live_ranges.made[r] = rows->made[r];
    }
  }
  output->next = host;
  output->tail = below->tail;
  below->presence = TFLM_PATCH_GUEST;
  below->how = kSamePlace;
}

bool tflm_patch_find_output_places(tflm_patch_collector* collector) {
  const tflm_patch_stage_tables* t = &collector->stage->t;
  const tflm_patch_timeline* time = &collector->time;
  bool is_found = false;
  for (int32_t i = time->first; i < time->last; ++i) {
    const int32_t out = t->output[t->first_output[i]];
    const tflm_patch_buffer* output = &collector->buffer[out];
    for (int32_t k = t->first_in_place[i]; k < t->first_in_place[i + 1]; ++k) {
      const tflm_patch_in_place* how = &t->in_place[k];
      const int32_t below = t->input[t->first_input[i] + how->input];
      const int32_t host = tflm_patch_top_host(collector, below);
      if (output->presence == TFLM_PATCH_TENSOR && t->role[out] == TFLM_PATCH_OUTPUT &&
          output->next < 0 && host >= 0 && collector->buffer[host].presence == TFLM_PATCH_HOST &&
          tflm_patch_is_same_place(how) && tflm_patch_reads_once(t, i, below) &&
          may_lie(collector, host, out)) {
        lie(collector, host, out);
        is_found = true;
      }
    }
  }
  return is_found;
}
