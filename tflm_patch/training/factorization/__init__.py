# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers as products of smaller ones, where the planner's figures get smaller by it.

`schemes`: the decompositions. `replace`: in the float network, for the planner. `rebuild`:
in the Keras model. `factorize`: which layers, and how.
"""
