# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operations of the float network: float result, shape, int8 operator. One file a family."""
