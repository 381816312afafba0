/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * NEIGHBOURS for the dsp family: eight values of a row at a time, two neighbours an instruction.
 *
 * Inner loops.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../kernel.h"
#include "dot_4.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
/* Values that are summed up together. */
#define BLOCK 8u
/* Neighbours whose rows are looked up together; most nodes have fewer. */
#define FOUND 32u

/* Places of rows with their weights. */
typedef struct {
  const int8_t* rows[FOUND + 1];
  int16_t weights[FOUND + 1];
  uint32_t n; /* even: a last one may have the weight 0 */
} neighbours;

static void find(const tflm_patch_neighbours_args* args, const tflm_patch_rows* input, uint32_t k,
                 uint32_t n, neighbours* found) {
  for (uint32_t i = 0; i < n; ++i) {
    found->rows[i] = tflm_patch_view_row(input, args->nodes[k + i]);
    found->weights[i] = (int16_t)(args->weights[k + i] - args->weights_zero_point);
  }
  if (n % 2 != 0) {
    found->rows[n] = found->rows[n - 1];
    found->weights[n] = 0;
  }
  found->n = n + n % 2;
}

/* Two values of two neighbours each, of which the words of halves are given. */
static inline void add_two(uint32_t a, uint32_t b, uint32_t weights, uint32_t* low,
                           uint32_t* high) {
  *low = tflm_patch_add_two_products(tflm_patch_low_halves(a, b), weights, *low);
  *high = tflm_patch_add_two_products(tflm_patch_high_halves(a, b), weights, *high);
}

static void add_block(const neighbours* found, uint32_t first, uint32_t* sums) {
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  uint32_t s4 = sums[4], s5 = sums[5], s6 = sums[6], s7 = sums[7];
  for (uint32_t k = 0; k < found->n; k += 2) {
    const int8_t* a = found->rows[k] + first;
    const int8_t* b = found->rows[k + 1] + first;
    const uint32_t weights = tflm_patch_load_word(&found->weights[k]);
    uint32_t x = tflm_patch_load_word(a);
    uint32_t y = tflm_patch_load_word(b);
    add_two(tflm_patch_even_bytes(x), tflm_patch_even_bytes(y), weights, &s0, &s2);
    add_two(tflm_patch_odd_bytes(x), tflm_patch_odd_bytes(y), weights, &s1, &s3);
    x = tflm_patch_load_word(a + 4);
    y = tflm_patch_load_word(b + 4);
    add_two(tflm_patch_even_bytes(x), tflm_patch_even_bytes(y), weights, &s4, &s6);
    add_two(tflm_patch_odd_bytes(x), tflm_patch_odd_bytes(y), weights, &s5, &s7);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = s4;
  sums[5] = s5;
  sums[6] = s6;
  sums[7] = s7;
}

/* The same of half a block. */
static void add_half(const neighbours* found, uint32_t first, uint32_t* sums) {
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (uint32_t k = 0; k < found->n; k += 2) {
    const uint32_t weights = tflm_patch_load_word(&found->weights[k]);
    const uint32_t x = tflm_patch_load_word(found->rows[k] + first);
    const uint32_t y = tflm_patch_load_word(found->rows[k + 1] + first);
    add_two(tflm_patch_even_bytes(x), tflm_patch_even_bytes(y), weights, &s0, &s2);
    add_two(tflm_patch_odd_bytes(x), tflm_patch_odd_bytes(y), weights, &s1, &s3);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/* The last n values of a row, fewer than half a block. */
static void add_rest(const neighbours* found, uint32_t first, uint32_t n, uint32_t* sums) {
  for (uint32_t k = 0; k < found->n; ++k) {
    const int8_t* x = found->rows[k] + first;
    const int32_t weight = found->weights[k];
    for (uint32_t i = 0; i < n; ++i) {
      sums[i] += (uint32_t)(weight * x[i]);
    }
  }
}

void tflm_patch_neighbours_s8(const tflm_patch_neighbours_args* args, const tflm_patch_rows* input,
                              uint32_t row, int8_t* output) {
  const uint32_t values = (uint32_t)input->cols * input->channels;
  const uint32_t start = args->starts[row];
  const uint32_t end = args->starts[row + 1];
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t channel = row * requant->channel_step;
  neighbours found;
  uint32_t n;
  for (uint32_t first = 0; first < values; first += n) {
    const uint32_t left = values - first;
    uint32_t sums[BLOCK];
    n = left >= BLOCK ? BLOCK : MIN(BLOCK / 2, left);
    for (uint32_t i = 0; i < BLOCK; ++i) {
      sums[i] = (uint32_t)args->bias[row];
    }
    for (uint32_t k = start; k < end; k += FOUND) {
      if (first == 0 || end - start > FOUND) {
        find(args, input, k, MIN(FOUND, end - k), &found);
      }
      if (n == BLOCK) {
        add_block(&found, first, sums);
      } else if (n == BLOCK / 2) {
        add_half(&found, first, sums);
      } else {
        add_rest(&found, first, n, sums);
      }
    }
    for (uint32_t i = 0; i < n; ++i) {
      output[first + i] = (int8_t)tflm_patch_requantize(
          (int32_t)sums[i], requant->multipliers[channel], requant->shifts[channel],
          requant->output_zero_point, requant->act_min, requant->act_max);
    }
  }
}

#endif /* TFLM_PATCH_IS_DSP */
