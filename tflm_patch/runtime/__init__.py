# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Running models in the real TFLM interpreter, and comparing them."""
