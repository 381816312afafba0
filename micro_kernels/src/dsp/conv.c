/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * CONV_2D for Armv7E-M.
 *
 * Four pixels at a time are widened to 16 bits, once for all output channels,
 * and interleaved, so that the inner loop reads a word of weights and two times
 * four words of values for sixteen products. Where that does not fit the buffer,
 * two pixels and two channels are widened in the loop.
 */
#include <stddef.h>

#include "../family.h"

#if TFLM_PATCH_IS_DSP

#include "../kernels.h"
#include "../portable/portable.h"
#include "../window.h"
#include "products.h"

#define BUFFER_BYTES 1152u /* on the stack */
#define PIXELS 4u
/* Of a window, to be widened: from the map, or from cells that were gathered. */
#define MAX_WIDE_TAPS (BUFFER_BYTES / (2u * PIXELS))
#define MAX_GATHERED_WIDE_TAPS (BUFFER_BYTES / (3u * PIXELS))
#define MAX_GATHERED_TAPS (BUFFER_BYTES / 2u)

/* An output row at work. */
typedef struct {
  const tflm_patch_conv_args* args;
  const tflm_patch_rows* input;
  tflm_patch_kernel_rows rows;
  uint32_t taps;
} conv_row;

/* ---- windows ---- */

static int8_t* fill(int8_t* to, int32_t value, uint32_t n) {
  for (; n > 0; --n) {
    *to++ = (int8_t)value;
  }
  return to;
}

static int8_t* copy(int8_t* to, const int8_t* from, uint32_t n) {
  for (; n >= 4; n -= 4) {
    memcpy(to, from, 4);
    to += 4;
    from += 4;
  }
  for (; n > 0; --n) {
    *to++ = *from++;
  }
  return to;
}

/* The window of an output column, in the order of the weights. */
static void gather(const conv_row* c, uint32_t x, int8_t* to) {
  const tflm_patch_window* window = &c->args->window;
  const tflm_patch_rows* input = c->input;
  const uint32_t depth = input->channels;
  const int32_t zero_point = c->args->input_zero_point;
  const int32_t col = tflm_patch_first_col(window, x);
  const tflm_patch_range inside = tflm_patch_taps_inside(
      col, window->kernel_w, window->dilation_w, input->cols);
  uint32_t slot = c->rows.slot;
  for (uint32_t i = 0; i < window->kernel_h; ++i) {
    if (i < c->rows.inside.first || i >= c->rows.inside.end) {
      to = fill(to, zero_point, window->kernel_w * depth);
      continue;
    }
    const int8_t* row = tflm_patch_slot_row(input, slot);
    slot = tflm_patch_next_slot(&c->rows, input, slot);
    to = fill(to, zero_point, inside.first * depth);
    int32_t at = col + (int32_t)(inside.first * window->dilation_w);
    if (window->dilation_w == 1) {
      to = copy(to, row + (uint32_t)at * depth,
                (inside.end - inside.first) * depth);
    } else {
      for (uint32_t j = inside.first; j < inside.end; ++j) {
        to = copy(to, row + (uint32_t)at * depth, depth);
        at += window->dilation_w;
      }
    }
    to = fill(to, zero_point, (window->kernel_w - inside.end) * depth);
  }
}

static inline uint32_t* put_wide(uint32_t* to, uint32_t a, uint32_t b,
                                 uint32_t c, uint32_t d) {
  to[0] = tflm_patch_even_bytes(a);
  to[1] = tflm_patch_even_bytes(b);
  to[2] = tflm_patch_even_bytes(c);
  to[3] = tflm_patch_even_bytes(d);
  to[4] = tflm_patch_odd_bytes(a);
  to[5] = tflm_patch_odd_bytes(b);
  to[6] = tflm_patch_odd_bytes(c);
  to[7] = tflm_patch_odd_bytes(d);
  return to + 8;
}

/* Four vectors of n values, `pitch` apart, of which only the first n_vectors are
 * there (the last of them stands for the missing ones): for every four values of each, the even
 * ones of the four vectors, then the odd ones. The last four are filled up with
 * zeros. */
static void widen(uint32_t* to, const int8_t* from, uint32_t pitch, uint32_t n,
                  uint32_t n_vectors) {
  const int8_t* a = from;
  const int8_t* b = n_vectors > 1 ? a + pitch : a;
  const int8_t* c = n_vectors > 2 ? b + pitch : b;
  const int8_t* d = n_vectors > 3 ? c + pitch : c;
  for (uint32_t quads = n / 4; quads > 0; --quads) {
    to = put_wide(to, tflm_patch_load_word(a), tflm_patch_load_word(b),
                  tflm_patch_load_word(c), tflm_patch_load_word(d));
    a += 4;
    b += 4;
    c += 4;
    d += 4;
  }
  if (n % 4 != 0) {
    const uint32_t back = n - n % 4;
    put_wide(to, tflm_patch_load_tail(a - back, n),
             tflm_patch_load_tail(b - back, n),
             tflm_patch_load_tail(c - back, n),
             tflm_patch_load_tail(d - back, n));
  }
}

/* ---- blocks of pixels ---- */

/* The sums of a channel that the short way to bytes is not for. */
static __attribute__((noinline, noclone)) void put_slowly(
    const tflm_patch_conv_args* args, uint32_t channel, const int32_t* sums,
    uint32_t n_pixels, int8_t* output) {
  for (uint32_t p = 0; p < n_pixels; ++p) {
    output[channel] = tflm_patch_requantize_channel(
        &args->requant, (uint32_t)sums[p], channel);
    output += args->output_channels;
  }
}

/* Sums of a channel for n_pixels neighbouring pixels to bytes. */
static inline __attribute__((always_inline)) void put_channel(
    const tflm_patch_conv_args* args, uint32_t channel, const int32_t* sums,
    uint32_t n_pixels, int8_t* output) {
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t at = channel * requant->channel_step;
  const int32_t shift = requant->shifts[at];
  if (!tflm_patch_is_scaling_shift(shift)) {
    put_slowly(args, channel, sums, n_pixels, output);
    return;
  }
  const tflm_patch_scaling scaling = tflm_patch_find_scaling(
      requant->multipliers[at], shift, requant->output_zero_point);
  const uint32_t pitch = args->output_channels;
  const int32_t low = requant->act_min;
  const int32_t high = requant->act_max;
  int32_t values[PIXELS];
  for (uint32_t p = 0; p < PIXELS; ++p) {
    if (p < n_pixels) {
      values[p] = tflm_patch_saturate(tflm_patch_scale(scaling, sums[p]));
    }
  }
  if (high - low != 255) {
    for (uint32_t p = 0; p < PIXELS; ++p) {
      if (p < n_pixels) {
        values[p] = tflm_patch_clamp(values[p], low, high);
      }
    }
  }
  output += channel;
  for (uint32_t p = 0; p < PIXELS; ++p) {
    if (p < n_pixels) {
      output[p * pitch] = (int8_t)values[p];
    }
  }
}

/* Up to four widened pixels at work, for make_wide_channels. Its assembly knows
 * where the members lie. */
typedef struct {
  const int32_t* bias;        /* 0: of the next channel */
  const uint32_t* values;     /* 4 */
  uint32_t quads;             /* 8: whole fours of taps */
  uint32_t tail;              /* 12: taps behind them */
  const int32_t* multipliers; /* 16: of the next channel, like what follows */
  const int8_t* shifts;       /* 20 */
  int8_t* output;             /* 24 */
  int32_t round_unit;         /* 28: see tflm_patch_find_scaling */
  uint32_t step;              /* 32: of the multipliers, in bytes */
  uint32_t at_1;              /* 36: the second pixel's output behind the first's */
  uint32_t at_2;              /* 40 */
  uint32_t at_3;              /* 44 */
  const int8_t* weights;      /* 48: of the next channel */
  const int8_t* weights_end;  /* 52 */
  int32_t is_clamped;         /* 56: the clamp is narrower than int8 */
  int32_t low;                /* 60 */
  int32_t high;               /* 64 */
  int32_t sums[PIXELS];       /* 68 */
} wide_job;

_Static_assert(offsetof(wide_job, multipliers) == 16, "as in the assembly");
_Static_assert(offsetof(wide_job, at_1) == 36, "as in the assembly");
_Static_assert(offsetof(wide_job, weights) == 48, "as in the assembly");
_Static_assert(offsetof(wide_job, is_clamped) == 56, "as in the assembly");
_Static_assert(offsetof(wide_job, sums) == 68, "as in the assembly");

/* Four weights, in r8, with the widened values of four pixels. */
#define PRODUCTS                   \
  "ldmia r10!, {r4, r5, r6, r7}\n\t" \
  "sxtb16 r9, r8\n\t"              \
  "smlad r0, r9, r4, r0\n\t"       \
  "smlad r1, r9, r5, r1\n\t"       \
  "smlad r2, r9, r6, r2\n\t"       \
  "smlad r3, r9, r7, r3\n\t"       \
  "ldmia r10!, {r4, r5, r6, r7}\n\t" \
  "sxtb16 r8, r8, ror #8\n\t"      \
  "smlad r0, r8, r4, r0\n\t"       \
  "smlad r1, r8, r5, r1\n\t"       \
  "smlad r2, r8, r6, r2\n\t"       \
  "smlad r3, r8, r7, r3\n\t"

#define QUAD "ldr r8, [r11], #4\n\t" PRODUCTS

/* One of the four sums to a value; see tflm_patch_scale. */
#define SCALE(sum)              \
  "lsl " sum ", " sum ", #1\n\t" \
  "smmulr " sum ", " sum ", r9\n\t" \
  "add r8, r7, " sum ", asr #31\n\t" \
  "add " sum ", " sum ", r8\n\t" \
  "asr " sum ", " sum ", r10\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

#define CLAMP(value)             \
  "cmp " value ", r8\n\t"         \
  "it lt\n\t"                    \
  "movlt " value ", r8\n\t"       \
  "cmp " value ", r9\n\t"         \
  "it gt\n\t"                    \
  "movgt " value ", r9\n\t"

/* Makes channels until all are made (returns 0) or one comes whose shift is not
 * for the short way to bytes (returns 1): its sums are in the job then, and the
 * job stands behind it. */
static __attribute__((naked, noinline)) int32_t make_wide_channels(
    wide_job* job __attribute__((unused))) {
  /* r0-r3 sums, r10 values, r11 weights, r12 quads left, lr the job. */
  __asm__ volatile(
      "push {r4-r11, lr}\n\t"
      "mov lr, r0\n\t"
      "ldr r11, [lr, #48]\n"
      "5:\n\t"
      "ldmia lr, {r4, r10, r12}\n\t"
      "ldr r0, [r4], #4\n\t"
      "str r4, [lr]\n\t"
      "mov r1, r0\n\t"
      "mov r2, r0\n\t"
      "mov r3, r0\n\t"
      TFLM_PATCH_FOR_QUADS("r12", QUAD)
      "ldr r4, [lr, #12]\n\t"
      "cbz r4, 6f\n\t"
      /* The last taps: a word that ends with them. */
      "add r11, r11, r4\n\t"
      "ldr r8, [r11, #-4]\n\t"
      "rsb r4, r4, #4\n\t"
      "lsl r4, r4, #3\n\t"
      "lsr r8, r8, r4\n\t"
      PRODUCTS
      "6:\n\t"
      "add r12, lr, #16\n\t"
      "ldmia r12, {r4, r5, r6, r7, r8}\n\t"
      "ldr r9, [r4]\n\t"
      "ldrsb r10, [r5]\n\t"
      "add r4, r4, r8\n\t"
      "add r5, r5, r8, lsr #2\n\t"
      "mvn r10, r10\n\t"
      "cmp r10, #22\n\t"
      "bhs 8f\n\t"
      "lsl r7, r7, r10\n\t"
      "add r10, r10, #1\n\t"
      SCALE("r0") SCALE("r1") SCALE("r2") SCALE("r3")
      "ldr r8, [lr, #56]\n\t"
      "cmp r8, #0\n\t"
      "bne 9f\n"
      "7:\n\t"
      "ldrd r8, r9, [lr, #40]\n\t"
      "ldr r7, [lr, #36]\n\t"
      "strb r3, [r6, r9]\n\t"
      "strb r2, [r6, r8]\n\t"
      "strb r1, [r6, r7]\n\t"
      "strb r0, [r6], #1\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "ldr r4, [lr, #52]\n\t"
      "cmp r11, r4\n\t"
      "bne 5b\n\t"
      "mov r0, #0\n\t"
      "str r11, [lr, #48]\n\t"
      "pop {r4-r11, pc}\n"
      "8:\n\t"
      "add r6, r6, #1\n\t"
      "stmia r12, {r4, r5, r6}\n\t"
      "str r11, [lr, #48]\n\t"
      "add r12, lr, #68\n\t"
      "stmia r12, {r0, r1, r2, r3}\n\t"
      "mov r0, #1\n\t"
      "pop {r4-r11, pc}\n"
      "9:\n\t"
      "ldrd r8, r9, [lr, #60]\n\t"
      CLAMP("r0") CLAMP("r1") CLAMP("r2") CLAMP("r3")
      "b 7b\n\t");
}

/* Up to four pixels, widened. */
static void make_wide(const conv_row* c, const uint32_t* values,
                      uint32_t n_pixels, int8_t* output) {
  const tflm_patch_conv_args* args = c->args;
  const tflm_patch_requant_args* requant = &args->requant;
  const uint32_t pitch = args->output_channels;
  /* The last pixel stands for the missing ones in its output, too. */
  wide_job job = {
      .bias = args->bias,
      .values = values,
      .quads = c->taps / 4,
      .tail = c->taps % 4,
      .multipliers = requant->multipliers,
      .shifts = requant->shifts,
      .output = output,
      .round_unit = 2 * requant->output_zero_point + 1,
      .step = requant->channel_step * sizeof(int32_t),
      .at_1 = n_pixels > 1 ? pitch : 0,
      .at_2 = n_pixels > 2 ? 2 * pitch : pitch * (n_pixels - 1),
      .at_3 = pitch * (n_pixels - 1),
      .weights = args->weights,
      .weights_end = args->weights + c->taps * pitch,
      .is_clamped = requant->act_max - requant->act_min != 255,
      .low = requant->act_min,
      .high = requant->act_max,
  };
  while (make_wide_channels(&job)) {
    const uint32_t channel = (uint32_t)(job.output - output) - 1;
    put_slowly(args, channel, job.sums, n_pixels, output);
    if (job.weights == job.weights_end) {
      break;
    }
  }
}

/* Two pixels, c->taps values each, one behind the other. */
static void make_two(const conv_row* c, const int8_t* values, int8_t* output) {
  const tflm_patch_conv_args* args = c->args;
  const uint32_t taps = c->taps;
  const uint32_t channels = args->output_channels;
  const int8_t* weights = args->weights;
  const int32_t* bias = args->bias;
  uint32_t channel = 0;
  for (; channel + 2 <= channels; channel += 2) {
    int32_t sums[4] = {bias[0], bias[0], bias[1], bias[1]};
    tflm_patch_dot_2_by_2(values, weights, taps, taps, sums);
    bias += 2;
    weights += 2 * taps;
    put_channel(args, channel, sums, 2, output);
    put_channel(args, channel + 1, sums + 2, 2, output);
  }
  if (channel < channels) {
    /* The pixels in the place of two channels. */
    int32_t sums[2] = {*bias, *bias};
    tflm_patch_dot_1_by_2(weights, values, taps, taps, sums);
    put_channel(args, channel, sums, 2, output);
  }
}

static void make_one(const conv_row* c, const int8_t* values, int8_t* output) {
  const tflm_patch_conv_args* args = c->args;
  const uint32_t taps = c->taps;
  const uint32_t channels = args->output_channels;
  const int8_t* weights = args->weights;
  const int32_t* bias = args->bias;
  for (uint32_t channel = 0; channel < channels; channel += 2) {
    const uint32_t is_pair = channel + 1 < channels;
    int32_t sums[2] = {bias[0], bias[is_pair]};
    tflm_patch_dot_1_by_2(values, weights, is_pair ? taps : 0, taps, sums);
    bias += 2;
    weights += 2 * taps;
    put_channel(args, channel, sums, 1, output);
    put_channel(args, channel + is_pair, sums + is_pair, 1, output);
  }
}

/* Pixels whose values lie one behind the other in the map. */
static void make_pointwise_row(const conv_row* c, const int8_t* values,
                               uint32_t* buffer, int8_t* output) {
  const uint32_t taps = c->taps;
  const uint32_t out_bytes = c->args->output_channels;
  uint32_t left = c->args->output_cols;
  if (taps <= MAX_WIDE_TAPS) {
    while (left > 0) {
      const uint32_t n = left < PIXELS ? left : PIXELS;
      widen(buffer, values, taps, taps, n);
      make_wide(c, buffer, n, output);
      values += n * taps;
      output += n * out_bytes;
      left -= n;
    }
  }
  for (; left >= 2; left -= 2) {
    make_two(c, values, output);
    values += 2 * taps;
    output += 2 * out_bytes;
  }
  if (left != 0) {
    make_one(c, values, output);
  }
}

/* Pixels whose windows are gathered first. */
static void make_row(const conv_row* c, uint32_t* buffer, int8_t* output) {
  const uint32_t taps = c->taps;
  const uint32_t out_bytes = c->args->output_channels;
  const uint32_t cols = c->args->output_cols;
  const int is_wide = taps <= MAX_GATHERED_WIDE_TAPS;
  /* The widened values take the buffer's first two thirds. */
  int8_t* cells = (int8_t*)buffer + (is_wide ? 2 * PIXELS * ((taps + 3) & ~3u) : 0);
  uint32_t n;
  for (uint32_t x = 0; x < cols; x += n) {
    const uint32_t block = is_wide ? PIXELS : 2;
    n = cols - x < block ? cols - x : block;
    for (uint32_t p = 0; p < n; ++p) {
      gather(c, x + p, cells + p * taps);
    }
    if (block == PIXELS) {
      widen(buffer, cells, taps, taps, n);
      make_wide(c, buffer, n, output);
    } else if (n == 2) {
      make_two(c, cells, output);
    } else {
      make_one(c, cells, output);
    }
    output += n * out_bytes;
  }
}

void tflm_patch_conv_s8(const tflm_patch_conv_args* args,
                        const tflm_patch_rows* input, uint32_t row,
                        int8_t* output) {
  const tflm_patch_window* window = &args->window;
  const conv_row c = {
      .args = args,
      .input = input,
      .rows = tflm_patch_find_kernel_rows(window, input, row),
      .taps = (uint32_t)window->kernel_h * window->kernel_w * input->channels,
  };
  const int is_direct = window->kernel_h == 1 && window->kernel_w == 1 &&
                        window->stride_w == 1 && window->pad_left == 0 &&
                        args->output_cols <= input->cols &&
                        c.rows.inside.first < c.rows.inside.end;
  if (args->groups != 1 || c.taps < 4 || !args->requant.bounded ||
      (!is_direct && c.taps > MAX_GATHERED_TAPS)) {
    tflm_patch_conv_portable_s8(args, input, row, output);
    return;
  }
  uint32_t buffer[BUFFER_BYTES / 4];
  if (is_direct) {
    make_pointwise_row(&c, tflm_patch_slot_row(input, c.rows.slot), buffer,
                       output);
  } else {
    make_row(&c, buffer, output);
  }
}

#endif /* TFLM_PATCH_IS_DSP */
