# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of the graph, one file each; importing the package registers them.

`tflm_patch.conversion.plugins` has the interface and finds this package through its entry
point, as it finds those of other packages.
"""

from tflm_patch.registration import import_all

import_all(__name__)
