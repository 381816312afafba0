# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a stage graph that trade work for memory."""
