/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Clamp masks of an inverted bottleneck's wide maps, computed again from its input, some channels
 * at a time, instead of being kept.
 *
 * Inner loops.
 */
#include <stddef.h>

#include "../dot.h"
#include "../family.h"
#include "../requantize.h"
#include "taps.h"
#include "tflm_patch/training.h"

#if TFLM_PATCH_IS_DSP
#include "../dsp/dot_4.h"
#endif

#define GROUP TFLM_PATCH_BLOCK_CHANNELS

_Static_assert(TFLM_PATCH_BLOCK_CHANNELS == TFLM_PATCH_DOT_CHANNELS, "one tile of dot products");

static uint32_t passes(const tflm_patch_requant_args* requant, int32_t value) {
  return requant->act_min < value && value < requant->act_max;
}

/* Bit k of group `at`, eight groups a word. */
static void note(uint32_t* mask, uint32_t at, uint32_t bits) {
  const uint32_t shift = at % 8 * GROUP;
  mask[at / 8] = (shift == 0 ? 0 : mask[at / 8]) | bits << shift;
}

static void expand(const tflm_patch_block_layer* layer, const tflm_patch_layer_forward* forward,
                   const int8_t* input, uint32_t first, uint32_t count, int8_t* values,
                   uint32_t* mask) {
  const uint32_t depth = layer->geometry->channels;
  const uint32_t cells = layer->geometry->rows * layer->geometry->cols;
  const int8_t* weights = layer->weights + (size_t)first * depth;
  for (uint32_t cell = 0; cell < cells; ++cell) {
    uint32_t sums[GROUP], bits = 0;
    for (uint32_t k = 0; k < count; ++k) {
      sums[k] = (uint32_t)forward->bias[first + k];
    }
#if TFLM_PATCH_IS_DSP
    if (count == GROUP) {
      tflm_patch_dsp_dot_4(input, weights, depth, depth, sums);
    } else {
      tflm_patch_dot_channels(input, weights, depth, depth, count, sums);
    }
#else
    tflm_patch_dot_channels(input, weights, depth, depth, count, sums);
#endif
    for (uint32_t k = 0; k < count; ++k) {
      values[k] = tflm_patch_requantize_channel(forward->requant, sums[k], first + k);
      bits |= passes(forward->requant, values[k]) << k;
    }
    note(mask, cell, bits);
    values += GROUP;
    input += depth;
  }
}

/* values: of the expansion, [cells][GROUP]. */
static void filter(const tflm_patch_block_layer* layer, const tflm_patch_layer_forward* forward,
                   const int8_t* values, uint32_t first, uint32_t count, uint32_t* mask) {
  const tflm_patch_backward_geometry* g = layer->geometry;
  const uint32_t kernel_w = g->window.kernel_w, taps = g->window.kernel_h * kernel_w;
  for (uint32_t cell = 0; cell < g->output_rows * g->output_cols; ++cell) {
    uint32_t sums[GROUP], bits = 0;
    for (uint32_t k = 0; k < count; ++k) {
      sums[k] = (uint32_t)forward->bias[first + k];
    }
    for (uint32_t tap = 0; tap < taps; ++tap) {
      const int32_t at = tflm_patch_input_cell(g, cell / g->output_cols, cell % g->output_cols,
                                               tap / kernel_w, tap % kernel_w);
      const int8_t* weights = layer->weights + (size_t)tap * g->channels + first;
      for (uint32_t k = 0; k < count; ++k) {
        const int32_t value = at < 0 ? g->input_zero_point : values[(uint32_t)at * GROUP + k];
        sums[k] += (uint32_t)(value * weights[k]);
      }
    }
    for (uint32_t k = 0; k < count; ++k) {
      const int8_t value = tflm_patch_requantize_channel(forward->requant, sums[k], first + k);
      bits |= passes(forward->requant, value) << k;
    }
    note(mask, cell, bits);
  }
}

tflm_patch_group_masks tflm_patch_masks_of(const tflm_patch_block_layer* expand_layer,
                                           const tflm_patch_block_layer* depthwise_layer,
                                           const tflm_patch_block_forward* forward, uint32_t first,
                                           uint32_t count) {
  const tflm_patch_backward_geometry* wide = depthwise_layer->geometry;
  if (forward == NULL) {
    const tflm_patch_group_masks kept = {expand_layer->mask, depthwise_layer->mask, wide->channels,
                                         first};
    return kept;
  }
  const uint32_t inputs = wide->rows * wide->cols;
  uint32_t* of_input = forward->masks;
  uint32_t* of_output = of_input + (inputs + 7) / 8;
  expand(expand_layer, &forward->expand, forward->input, first, count, forward->values, of_input);
  filter(depthwise_layer, &forward->depthwise, forward->values, first, count, of_output);
  const tflm_patch_group_masks made = {of_input, of_output, GROUP, 0};
  return made;
}
