# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models as C: no interpreter, no TFLM, only calls of the row kernels."""
