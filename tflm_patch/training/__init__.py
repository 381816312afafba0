# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What happens to models before they are converted: redistribution of receptive fields."""

from tflm_patch.training.redistribution.figures import Figures
from tflm_patch.training.redistribution.options import Objective, RedistributionOptions
from tflm_patch.training.redistribution.redistribute import Redistribution, redistribute

__all__ = ['Figures', 'Objective', 'Redistribution', 'RedistributionOptions', 'redistribute']
