/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MT19937 (Matsumoto and Nishimura, "Mersenne Twister", 1998).
 */
#include "twister.h"

enum { kMiddle = 397 };

static uint32_t twisted(uint32_t high, uint32_t low) {
  const uint32_t joined = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (joined >> 1) ^ ((joined & 1u) ? 0x9908b0dfu : 0u);
}

static void refill(uint32_t* state) {
  const int n = TFLM_PATCH_TWISTER_WORDS;
  for (int i = 0; i < n; ++i) {
    state[i] = state[(i + kMiddle) % n] ^ twisted(state[i], state[(i + 1) % n]);
  }
  state[n] = 0;
}

static uint32_t next_word(uint32_t* state) {
  if (state[TFLM_PATCH_TWISTER_WORDS] >= TFLM_PATCH_TWISTER_WORDS) {
    refill(state);
  }
  uint32_t word = state[state[TFLM_PATCH_TWISTER_WORDS]++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

double tflm_patch_random_unit(uint32_t* state) {
  const uint32_t high = next_word(state) >> 5;
  const uint32_t low = next_word(state) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

int32_t tflm_patch_random_below(uint32_t* state, int32_t limit) {
  int bits = 0;
  while (bits < 31 && (limit >> bits) != 0) {
    ++bits;
  }
  uint32_t word;
  do {
    word = next_word(state) >> (32 - bits);
  } while (word >= (uint32_t)limit);
  return (int32_t)word;
}
