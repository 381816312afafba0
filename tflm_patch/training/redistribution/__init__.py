# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Receptive-field redistribution (MCUNetV2, arXiv 2110.15352) as a search over specs.

`candidates`: smaller kernels, fewer blocks in the stage. `growth`: blocks added after it.
`figures`: what a spec costs. `inherit`: weights of the old model for the new one.
"""
