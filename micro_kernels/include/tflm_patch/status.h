/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Status codes of the stage executor.
 */
#ifndef TFLM_PATCH_STATUS_H_
#define TFLM_PATCH_STATUS_H_

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  TFLM_PATCH_OK = 0,
  TFLM_PATCH_ABORT = 1,           /* more input rows are wanted (row-fed input) */
  TFLM_PATCH_BAD_MAGIC = 2,       /* not a stage program */
  TFLM_PATCH_BAD_VERSION = 3,     /* made by another converter */
  TFLM_PATCH_BAD_FAMILY = 4,      /* constants packed for another kernel family */
  TFLM_PATCH_BAD_CHECKSUM = 5,    /* the program's bytes changed */
  TFLM_PATCH_BAD_SIZE = 6,        /* a table or array leaves its container */
  TFLM_PATCH_BAD_INDEX = 7,       /* an index points nowhere */
  TFLM_PATCH_BAD_ALIGNMENT = 8,   /* an offset or pointer is misaligned */
  TFLM_PATCH_BAD_MAP = 9,         /* a feature map is inconsistent */
  TFLM_PATCH_BAD_OP = 10,         /* an operator's kind, arity or parameters */
  TFLM_PATCH_BAD_STEP = 11,       /* the schedule reads rows that are not there */
  TFLM_PATCH_BAD_TENSOR = 12,     /* a model tensor's type or size differs */
  TFLM_PATCH_BAD_WORKSPACE = 13,  /* workspace or state is missing */
  TFLM_PATCH_BAD_FAST_MEMORY = 14 /* the memory of a program of two memories is missing */
} tflm_patch_status;

/* One short English line for a status; never NULL. */
const char* tflm_patch_status_text(tflm_patch_status status);

#ifdef __cplusplus
}
#endif

#endif /* TFLM_PATCH_STATUS_H_ */
