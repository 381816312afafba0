# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Neural architecture search within exact limits of a chip.

from tflm_patch import nas
limits = nas.Objectives.of(arena=32 * 1024, target='stm32f412')
result = nas.search('photos', 'mcunet', limits, nas.SearchOptions(minutes=60), 'found')
"""

from tflm_patch.nas.catalogue import SPACES, load_space
from tflm_patch.nas.fitness import Effort, Fitness
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.options import EngineOptions, Finalists, Prefilter, SearchOptions
from tflm_patch.nas.predictor import Predictor
from tflm_patch.nas.result import Finalist, SearchResult
from tflm_patch.nas.search import search
from tflm_patch.nas.search_space import SubSpace, rank_spaces, sub_spaces, tiny_nas
from tflm_patch.nas.space import Decision, Picks, SearchSpace, StageChoice
from tflm_patch.nas.space_json import space_from_json, space_to_json
from tflm_patch.nas.trial import Trial

__all__ = [
  'SPACES',
  'Decision',
  'Effort',
  'EngineOptions',
  'Finalist',
  'Finalists',
  'Fitness',
  'Objectives',
  'Picks',
  'Predictor',
  'Prefilter',
  'SearchOptions',
  'SearchResult',
  'SearchSpace',
  'StageChoice',
  'SubSpace',
  'Trial',
  'load_space',
  'rank_spaces',
  'search',
  'space_from_json',
  'space_to_json',
  'sub_spaces',
  'tiny_nas',
]
