# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training on the chip: what to update of an int8 model, and the code that does it."""
