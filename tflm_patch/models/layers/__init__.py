# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers, one a file, that become operators of TFLite when they are quantized."""
