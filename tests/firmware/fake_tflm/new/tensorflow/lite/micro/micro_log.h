/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TensorFlow Lite Micro's printing, as it is and with stripped error strings.
 */
#ifndef FAKE_TFLM_NEW_MICRO_LOG_H_
#define FAKE_TFLM_NEW_MICRO_LOG_H_

#if defined(TF_LITE_STRIP_ERROR_STRINGS)

namespace tflite {
template <typename... Args>
void Unused(Args&&...) {}
}  // namespace tflite
#define MicroPrintf(...) tflite::Unused(__VA_ARGS__)

#else

void MicroPrintf(const char* format, ...);

#endif

#endif  // FAKE_TFLM_NEW_MICRO_LOG_H_
