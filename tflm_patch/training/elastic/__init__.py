# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks that hold many: spaces of sub-networks, layers that run any of them, extraction."""
