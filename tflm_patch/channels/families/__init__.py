# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Families of operators, one file each; importing the package registers them."""

from tflm_patch.registration import import_all

import_all(__name__)
