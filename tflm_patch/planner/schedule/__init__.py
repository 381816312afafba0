# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""In which order a stage computes rows, and where it is cut into segments."""
