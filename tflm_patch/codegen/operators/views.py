# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""CROP and JOIN: maps in other maps' memory; nothing is done at run time."""

from __future__ import annotations

from tflm_patch.codegen.operators.base import register_nothing
from tflm_patch.program.records import Kind

register_nothing(Kind.CROP, Kind.JOIN)
