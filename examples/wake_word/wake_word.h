/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A wake word, told by a converted streaming model (`build.py` makes the component).
 */
#ifndef WAKE_WORD_H_
#define WAKE_WORD_H_

#include <stdbool.h>
#include <stdint.h>

enum {
  kWakeWordFeatures = 40, /* of 10 ms of sound */
  kWakeWordWindow = 5     /* outputs that are averaged */
};

/* Ready for a stream; false where the model does not fit its kernels. */
bool wake_word_init(void);

/*
 * Takes the features of the next 10 ms. After every third the model runs; true when the mean of
 * the last outputs, of 256, exceeds the cutoff. What was heard is forgotten then.
 */
bool wake_word_feed(const int8_t features[kWakeWordFeatures], unsigned cutoff);

#endif /* WAKE_WORD_H_ */
