# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Neural architecture search: spaces of architectures as data.

from tflm_patch import nas
space = nas.load_space('mcunet')
spec = space.spec_of(space.sample(random.Random(1)))
"""

from tflm_patch.nas.catalogue import SPACES, load_space
from tflm_patch.nas.space import Decision, Picks, SearchSpace, StageChoice
from tflm_patch.nas.space_json import space_from_json, space_to_json

__all__ = [
  'SPACES',
  'Decision',
  'Picks',
  'SearchSpace',
  'StageChoice',
  'load_space',
  'space_from_json',
  'space_to_json',
]
