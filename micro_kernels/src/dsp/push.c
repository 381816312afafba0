/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a filter of SVDF for the dsp family: four are moved and multiplied at a time.
 *
 * Inner loops.
 */
#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../push.h"
#include "arith.h"

/* Adds the products of the four values of a word with weights. */
static inline uint32_t add_four(uint32_t word, const int8_t* weights, uint32_t sum) {
  const uint32_t w = tflm_patch_load_word(weights);
  __asm__("smlad %0, %1, %2, %0"
          : "+r"(sum)
          : "r"(tflm_patch_even_bytes(word)), "r"(tflm_patch_even_bytes(w)));
  __asm__("smlad %0, %1, %2, %0"
          : "+r"(sum)
          : "r"(tflm_patch_odd_bytes(word)), "r"(tflm_patch_odd_bytes(w)));
  return sum;
}

uint32_t tflm_patch_push_s8(int8_t* numbers, uint32_t memory, int32_t value,
                            const int8_t* weights) {
  uint32_t sum = 0;
  for (; memory > 4; memory -= 4) {
    const uint32_t word = tflm_patch_load_word(numbers + 1);
    memcpy(numbers, &word, 4);
    sum = add_four(word, weights, sum);
    numbers += 4;
    weights += 4;
  }
  if (memory == 4) {
    const uint32_t word = tflm_patch_load_word(numbers) >> 8 | (uint32_t)value << 24;
    memcpy(numbers, &word, 4);
    return add_four(word, weights, sum);
  }
  for (; memory > 1; --memory) {
    const int8_t next = numbers[1];
    *numbers++ = next;
    sum += (uint32_t)(next * *weights++);
  }
  *numbers = (int8_t)value;
  return sum + (uint32_t)(*numbers * *weights);
}

#endif /* TFLM_PATCH_IS_DSP */
