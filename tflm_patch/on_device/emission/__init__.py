# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A model that learns, as C: functions of its operators forward and backward, and its API."""
