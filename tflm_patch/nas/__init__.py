# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Neural architecture search: spaces of architectures as data.

from tflm_patch import nas
space = nas.load_space('mcunet')
spec = space.spec_of(space.sample(random.Random(1)))
"""

from tflm_patch.nas.catalogue import SPACES, load_space
from tflm_patch.nas.fitness import Effort, Fitness
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.search_space import SubSpace, rank_spaces, sub_spaces, tiny_nas
from tflm_patch.nas.space import Decision, Picks, SearchSpace, StageChoice
from tflm_patch.nas.space_json import space_from_json, space_to_json

__all__ = [
  'SPACES',
  'Decision',
  'Effort',
  'Fitness',
  'Objectives',
  'Picks',
  'SearchSpace',
  'StageChoice',
  'SubSpace',
  'load_space',
  'rank_spaces',
  'space_from_json',
  'space_to_json',
  'sub_spaces',
  'tiny_nas',
]
