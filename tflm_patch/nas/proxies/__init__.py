# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Zero-cost proxies: numbers of untrained networks that order them, one a file."""
