# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a stage computes: feature maps, row operators, windows, constants."""
