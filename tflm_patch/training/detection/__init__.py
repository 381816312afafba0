# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Detectors: boxes as targets, their loss, and how good boxes are. Nothing here needs Keras."""
