# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How fast the constraint engine is, and whether it says what a conversion says.

  python benchmarks/fit_speed.py [--json] [--compare N] [--samples N] [--processes N]

Specs come from MCUNet's search space: inverted bottlenecks, kernels 3/5/7, expansions
3/4/6, depths 2 to 4, images of 96 to 176 pixels. Speeds are per second of CPU time of one
core. The budget is the median arena of other specs of the space. Compared are the
arena and the file of a conversion of the spec's graph with random weights and scales.
Last, specs of each of TinyNAS' 108 spaces are decided at the budget of a chip.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence

from tflm_patch.api import convert_model
from tflm_patch.architecture import RandomScales, Spec, spaces, to_graph, with_random_weights
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.fit import fits_many
from tflm_patch.conversion.fit_types import Budget, Gear
from tflm_patch.graph.writer import serialize_model

CHIP = 'stm32f746'


def parse() -> argparse.Namespace:
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--json', action='store_true', help='print for machines')
  parser.add_argument('--decide', type=int, default=2000, help='specs that are decided')
  parser.add_argument('--exact', type=int, default=300, help='specs that are searched')
  parser.add_argument('--compare', type=int, default=500, help='specs that are converted, too')
  parser.add_argument('--samples', type=int, default=1000, help='specs of each space; 0 for none')
  parser.add_argument('--processes', type=int, default=2, help='for the spaces')
  return parser.parse_args()


def speeds(decided: int, exact: int) -> dict[str, object]:
  """Specs per second, after as many others: a search meets the same blocks again."""
  specs = spaces.MCUNET.samples(exact, seed=1)
  start = time.process_time()
  found = fits_many(specs, Budget(1 << 30), exact=True)
  exact_seconds = time.process_time() - start
  budget = Budget(int(statistics.median(each.arena_required for each in found)))
  start = time.process_time()
  fits_many(spaces.MCUNET.samples(decided, seed=2), budget)
  cold_seconds = time.process_time() - start
  start = time.process_time()
  answers = fits_many(spaces.MCUNET.samples(decided, seed=3), budget)
  seconds = time.process_time() - start
  wrong = sum(
    spec_engine.decide(spec, budget).fits != (each.arena_required <= budget.arena_bytes)
    for spec, each in zip(specs, found)
  )
  return {
    'decided_per_second': round(decided / seconds, 1),
    'decided_per_second_cold': round(decided / cold_seconds, 1),
    'exact_per_second': round(exact / exact_seconds, 1),
    'budget': budget.arena_bytes,
    'gears': {gear.value: sum(each.gear is gear for each in answers) for gear in Gear},
    'fitting': sum(each.fits for each in answers),
    'wrong_verdicts': wrong,
  }


def compared(specs: Sequence[Spec]) -> dict[str, object]:
  """What the engine and a conversion say of the same specs."""
  mismatches, ratios = 0, [1.0]
  for number, spec in enumerate(specs):
    model = with_random_weights(to_graph(spec, RandomScales(number)), number)
    result = convert_model(serialize_model(model))
    required = spec_engine.requirements_of(spec)
    mismatches += (required.arena.total, required.arena.required) != (
      result.converted_arena.total,
      result.converted_arena.required,
    )
    ratio = required.flash / result.converted_bytes
    ratios.append(max(ratio, 1 / ratio))
  return {
    'specs_compared': len(specs),
    'arena_mismatches': mismatches,
    'flash_worst_ratio': round(max(ratios), 5),
  }


def all_spaces(samples: int, processes: int) -> dict[str, object]:
  """The time that TinyNAS' spaces take."""
  found = spaces.tiny_nas_spaces()
  specs = [spec for seed, space in enumerate(found) for spec in space.samples(samples, seed)]
  start = time.monotonic()
  answers = fits_many(specs, CHIP, processes=processes)
  return {
    'spaces': len(found),
    'spaces_specs': len(specs),
    'spaces_seconds': round(time.monotonic() - start, 1),
    'spaces_fitting': sum(answer.fits for answer in answers),
  }


def main() -> None:
  """Runs everything."""
  arguments = parse()
  figures = speeds(arguments.decide, arguments.exact)
  figures |= compared(spaces.MCUNET.samples(arguments.compare, seed=4))
  if arguments.samples:
    figures |= all_spaces(arguments.samples, arguments.processes)
  if arguments.json:
    print(json.dumps(figures, indent=2))
  else:
    for name, value in figures.items():
      print(f'{name:26}{value}')


if __name__ == '__main__':
  main()
