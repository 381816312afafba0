# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels that say nothing: what every channel of a quantized network can be, and who reads it.

`forward.py` gives each channel of each int8 tensor the values that it can take, by the
integer arithmetic of TFLM's kernels, and which channels are always equal; `readers.py` which of
them the outputs depend on. `removal.py` takes the others out of the graph; `families/` says,
operator by operator, how channels pass and what becomes of its constants.
"""
