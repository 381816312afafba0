# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is trained on: images in folders, series, how they are split and varied."""
