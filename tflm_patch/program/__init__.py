# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The binary format of a stage's program: the only code that knows its bytes."""
