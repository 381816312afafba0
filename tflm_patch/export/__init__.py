# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Converted models as components for the build systems of firmware."""

from tflm_patch.export.component import Runtime
from tflm_patch.export.exporter import ExportOptions, ExportResult, export
from tflm_patch.export.kernels import kernel_header
from tflm_patch.export.registry import FORMATS

__all__ = ['FORMATS', 'ExportOptions', 'ExportResult', 'Runtime', 'export', 'kernel_header']
