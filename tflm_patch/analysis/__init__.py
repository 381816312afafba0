# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a conversion means: memory over time, verification, Pareto fronts, receptive fields."""
