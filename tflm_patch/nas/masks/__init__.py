# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A space as one network whose widths, expansions and depths are chosen by learned masks."""
