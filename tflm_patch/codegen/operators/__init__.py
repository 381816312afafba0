# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How operators become C, one file each; importing the package registers them."""

from tflm_patch.codegen.operators.base import REGISTRY, Code, Writer
from tflm_patch.registration import import_all

__all__ = ['REGISTRY', 'Code', 'Writer']

import_all(__name__)
