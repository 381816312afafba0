# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans for a target with fast memory beside the arena: what lies where, and where to cut."""
