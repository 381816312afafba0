# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The planner's inner loops in C; each has its reference in Python."""
