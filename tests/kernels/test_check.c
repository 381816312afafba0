/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Checks that several operators share.
 */
#include "kernel.h"
#include "test.h"

enum { CHANNELS = 11, MULTIPLIERS_AT = 4, SHIFTS_AT = 4 + 4 * CHANNELS };

static uint8_t constants[SHIFTS_AT + CHANNELS] __attribute__((aligned(16)));

static tflm_patch_status check(const tflm_patch_requant* requant, uint32_t channels) {
  tflm_patch_stage stage = {0};
  stage.constants = constants;
  stage.constants_bytes = sizeof(constants);
  return tflm_patch_check_requant(&stage, TFLM_PATCH_INT8, requant, channels);
}

static tflm_patch_requant good(void) {
  const tflm_patch_requant requant = {
      .multiplier_at = MULTIPLIERS_AT,
      .shift_at = SHIFTS_AT,
      .output_zero_point = -128,
      .act_min = -128,
      .act_max = 127,
      .per_channel = 1,
  };
  return requant;
}

/* Every value of a shift, in every place of arrays of every length. */
static void test_shifts(void) {
  test_case = "shifts";
  for (uint32_t n = 1; n <= CHANNELS; ++n) {
    for (uint32_t at = 0; at < n; ++at) {
      for (int shift = INT8_MIN; shift <= INT8_MAX; ++shift) {
        const tflm_patch_requant requant = good();
        /* The neighbours carry nothing into the byte's check. */
        memset(constants + SHIFTS_AT, shift & 1 ? -31 : 30, CHANNELS);
        constants[SHIFTS_AT + at] = (uint8_t)shift;
        CHECK_EQUAL(check(&requant, n),
                    shift >= -31 && shift <= 30 ? TFLM_PATCH_OK : TFLM_PATCH_BAD_OP);
      }
    }
  }
  memset(constants + SHIFTS_AT, 0, CHANNELS);
}

static void test_requant(void) {
  tflm_patch_requant requant = good();
  test_case = "requant";
  CHECK_EQUAL(check(&requant, CHANNELS), TFLM_PATCH_OK);
  CHECK_EQUAL(check(&requant, CHANNELS + 1), TFLM_PATCH_BAD_SIZE);
  requant.per_channel = 0;
  CHECK_EQUAL(check(&requant, 60000), TFLM_PATCH_OK);
#define REJECT(change, status) \
  requant = good();            \
  requant.change;              \
  test_case = #change;         \
  CHECK_EQUAL(check(&requant, CHANNELS), TFLM_PATCH_##status)
  REJECT(per_channel = 2, BAD_OP);
  REJECT(multiplier_at = 2, BAD_ALIGNMENT);
  REJECT(multiplier_at = 2 + SHIFTS_AT, BAD_ALIGNMENT);
  REJECT(multiplier_at = 16, BAD_SIZE);
  REJECT(multiplier_at = 0xFFFFFFFCu, BAD_SIZE);
  REJECT(shift_at += 1, BAD_SIZE);
  REJECT(shift_at = 0xFFFFFFFFu, BAD_SIZE);
  REJECT(output_zero_point = -129, BAD_OP);
  REJECT(output_zero_point = 128, BAD_OP);
  REJECT(act_min = -129, BAD_OP);
  REJECT(act_max = 128, BAD_OP);
  REJECT(act_max = -129, BAD_OP);
#undef REJECT
}

static void test_window_reads(void) {
  tflm_patch_window window = {0};
  window.kernel_h = 3;
  window.stride_h = 2;
  window.dilation_h = 2;
  window.pad_top = 3;
  static const int32_t kReads[][2] = {{0, 1}, {0, 3}, {1, 5}, {3, 6}, {5, 6}, {7, 6}, {9, 6}};
  test_case = "window reads";
  for (uint32_t step = 0; step < 7; ++step) { /* of a map of 7 rows */
    tflm_patch_span rows;
    tflm_patch_window_reads(&window, 7, step, &rows);
    CHECK_EQUAL(rows.first, kReads[step][0]);
    CHECK_EQUAL(rows.last, kReads[step][1]);
  }
}

static void test_types(void) {
  static const uint32_t kBytes[] = {1, 1, 4, 2, 4, 0, 0};
  test_case = "types";
  for (uint8_t type = 0; type < 7; ++type) {
    CHECK_EQUAL(tflm_patch_type_bytes(type), kBytes[type]);
  }
  CHECK_EQUAL(tflm_patch_type_bytes(255), 0);
}

static void test_kernel_table(void) {
  test_case = "kernel table";
  CHECK(tflm_patch_find_kernel(0) == NULL);
  CHECK(tflm_patch_find_kernel(TFLM_PATCH_KIND_COUNT) == NULL);
  CHECK(tflm_patch_find_kernel(0xFFFFFFFFu) == NULL);
  for (uint32_t kind = 1; kind < TFLM_PATCH_KIND_COUNT; ++kind) {
    const tflm_patch_kernel* kernel = tflm_patch_find_kernel(kind);
    if (kernel == NULL) { /* a number that is not in use */
      continue;
    }
    CHECK(kernel->check != NULL && kernel->reads != NULL && kernel->run != NULL);
  }
}

int main(void) {
  test_shifts();
  test_requant();
  test_window_reads();
  test_types();
  test_kernel_table();
  return TEST_RESULT();
}
