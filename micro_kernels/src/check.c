/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks of parameters that several operators share, and the row arithmetic of
 * windows.
 */
#include "blocks.h"
#include "weights.h"

uint32_t tflm_patch_type_bytes(uint8_t type) {
  static const uint8_t kBytes[] = {
      [TFLM_PATCH_INT8] = 1,  [TFLM_PATCH_UINT8] = 1, [TFLM_PATCH_FLOAT32] = 4,
      [TFLM_PATCH_INT16] = 2, [TFLM_PATCH_INT32] = 4,
  };
  return type < sizeof(kBytes) ? kBytes[type] : 0;
}

static int is_arity(uint32_t n, uint32_t declared) { return declared == 0 ? n > 0 : n == declared; }

tflm_patch_status tflm_patch_check_rules(const tflm_patch_kernel* kernel,
                                         const tflm_patch_task* task) {
  const tflm_patch_op* op = task->op;
  if (!is_arity(op->n_inputs, kernel->inputs) || !is_arity(op->n_outputs, kernel->outputs)) {
    return TFLM_PATCH_BAD_OP;
  }
  const tflm_patch_map* input = task->input;
  const tflm_patch_map* output = task->output;
  if ((kernel->rules & TFLM_PATCH_SAME_SHAPE) &&
      (input->rows != output->rows || input->cols != output->cols ||
       input->channels != output->channels)) {
    return TFLM_PATCH_BAD_OP;
  }
  uint32_t type = kernel->rules & TFLM_PATCH_TYPE_RULE;
  if (type == TFLM_PATCH_ANY_TYPES) {
    return TFLM_PATCH_OK;
  }
  if (type == TFLM_PATCH_SAME_TYPES) {
    type = output->type;
  }
  for (uint32_t i = 0; i < (uint32_t)op->n_inputs + op->n_outputs; ++i) {
    if (tflm_patch_op_map(task->stage, op, i)->type != type) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

/* Whether an array of bytes lies in the constants. */
static int is_constant(const tflm_patch_stage* stage, uint32_t at, uint64_t bytes) {
  return at <= stage->constants_bytes && bytes <= stage->constants_bytes - at;
}

tflm_patch_status tflm_patch_check_constant(const tflm_patch_stage* stage, uint32_t at, uint32_t n,
                                            uint32_t value_bytes) {
  if (at % 4 % value_bytes != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  return is_constant(stage, at, (uint64_t)n * value_bytes) ? TFLM_PATCH_OK : TFLM_PATCH_BAD_SIZE;
}

tflm_patch_status tflm_patch_check_constants(const tflm_patch_stage* stage,
                                             const tflm_patch_constant_array* arrays, uint32_t n) {
  tflm_patch_status status = TFLM_PATCH_OK;
  for (uint32_t i = 0; i < n && status == TFLM_PATCH_OK; ++i) {
    status = tflm_patch_check_constant(stage, arrays[i].at, arrays[i].n, arrays[i].value_bytes);
  }
  return status;
}

/* The windows of one dimension: nothing is zero, and the last window begins at
 * most INT16_MAX behind the input, which bounds the padding after it as the
 * type of pad_top bounds that before it. */
static int is_window(int32_t kernel, int32_t stride, int32_t dilation, int32_t pad, int32_t input,
                     int32_t output) {
  return kernel > 0 && stride > 0 && dilation > 0 && pad >= 0 &&
         (output - 1) * stride - pad < input + INT16_MAX;
}

tflm_patch_status tflm_patch_check_window(const tflm_patch_window* window,
                                          const tflm_patch_map* input,
                                          const tflm_patch_map* output) {
  return is_window(window->kernel_h, window->stride_h, window->dilation_h, window->pad_top,
                   input->rows, output->rows) &&
                 is_window(window->kernel_w, window->stride_w, window->dilation_w, window->pad_left,
                           input->cols, output->cols)
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

/* Whether n shifts are all in -31..most. */
static int are_shifts(const int8_t* shifts, uint32_t n, int32_t most) {
  for (; n > 0; --n) {
    const int32_t shift = *shifts++;
    if (shift < -31 || shift > most) {
      return 0;
    }
  }
  return 1;
}

tflm_patch_status tflm_patch_check_requant(const tflm_patch_stage* stage, uint8_t type,
                                           const tflm_patch_requant* requant, uint32_t channels) {
  const int is_int16 = type == TFLM_PATCH_INT16;
  const uint32_t n = requant->per_channel ? channels : 1;
  tflm_patch_status status = tflm_patch_check_constant(stage, requant->multiplier_at, n, 4);
  if (status == TFLM_PATCH_OK) {
    status = tflm_patch_check_constant(stage, requant->shift_at, n, 1);
  }
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const uint8_t sums = requant->sums;
  if (requant->per_channel > 1 || sums > TFLM_PATCH_SUMS_WIDE ||
      (sums == TFLM_PATCH_SUMS_WIDE && !is_int16) ||
      (is_int16 ? requant->output_zero_point != 0
                : !tflm_patch_is_int8(requant->output_zero_point)) ||
      !tflm_patch_is_clamp(type, requant->act_min, requant->act_max) ||
      !are_shifts((const int8_t*)tflm_patch_constant(stage, requant->shift_at), n,
                  sums == TFLM_PATCH_SUMS_WIDE ? (int32_t)TFLM_PATCH_MAX_WIDE_SHIFT : 30)) {
    return TFLM_PATCH_BAD_OP;
  }
  return TFLM_PATCH_OK;
}

tflm_patch_status tflm_patch_check_weights(const tflm_patch_task* task,
                                           const tflm_patch_requant* requant, uint32_t filters,
                                           uint32_t filter_bytes, uint32_t channels) {
  const tflm_patch_stage* stage = task->stage;
  const uint8_t type = task->output->type;
  const tflm_patch_weights_record* weights = (const tflm_patch_weights_record*)(const void*)requant;
  const tflm_patch_status status = tflm_patch_check_constant(stage, weights->bias_at, channels,
                                                             type == TFLM_PATCH_INT16 ? 8 : 4);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  return is_constant(stage, weights->weights_at, (uint64_t)filters * filter_bytes)
             ? tflm_patch_check_requant(stage, type, requant, channels)
             : TFLM_PATCH_BAD_SIZE;
}

tflm_patch_status tflm_patch_check_scratch(const tflm_patch_op* op, uint32_t n,
                                           uint32_t value_bytes) {
  /* Without a scratch, scratch_bytes is 0. */
  return n <= op->scratch_bytes / value_bytes ? TFLM_PATCH_OK : TFLM_PATCH_BAD_SIZE;
}

tflm_patch_status tflm_patch_check_blocks(const tflm_patch_task* task, const tflm_patch_map* space,
                                          const tflm_patch_map* depth) {
  /* Sizes are at most UINT16_MAX: products of two do not wrap. */
  const uint32_t block = tflm_patch_block(task);
  const uint32_t values = block * space->channels;
  return block > 0 && values <= UINT16_MAX && space->rows == depth->rows * block &&
                 space->cols == depth->cols * block && depth->channels == values * block
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_OP;
}

void tflm_patch_rowwise_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  (void)task;
  rows->first = (int32_t)step;
  rows->last = (int32_t)step;
}

void tflm_patch_whole_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  (void)step;
  rows->first = 0;
  rows->last = task->input->rows - 1;
}

void tflm_patch_window_reads(const tflm_patch_window* window, uint32_t rows, uint32_t step,
                             tflm_patch_span* span) {
  const int32_t low = (int32_t)(step * window->stride_h) - window->pad_top;
  const int32_t high = low + (window->kernel_h - 1) * window->dilation_h;
  span->first = low < 0 ? 0 : low;
  span->last = high < (int32_t)rows ? high : (int32_t)rows - 1;
}

void tflm_patch_windowed_reads(const tflm_patch_task* task, uint32_t step, tflm_patch_span* rows) {
  tflm_patch_window_reads((const tflm_patch_window*)task->params, task->input->rows, step, rows);
}
