# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From operators of a model to the planner's intermediate representation."""
