# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How fast the constraint engine is, and whether it says what a conversion says.

  python benchmarks/fit_speed.py [--json] [--compare N] [--samples N] [--processes N] [--models DIR]

Specs come from MCUNet's search space: inverted bottlenecks, kernels 3/5/7, expansions
3/4/6, depths 2 to 4, images of 96 to 176 pixels. Speeds are per second of CPU time of one
core, so that a busy machine does not change them much. The budget is the median arena of
other specs of the space. Compared are the arena and the file of a conversion of the spec's
graph with random weights and scales, without the rewrites that depend on weights; with
them it must not be larger. Then specs of each of TinyNAS' 108 spaces are decided
at the budget of a chip. Last, `tflm-patch convert` runs on large networks, or on the models
of a folder, each in a process of its own: the most memory that one of them takes is printed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.architecture import RandomScales, Spec, named, spaces, to_graph, with_random_weights
from tflm_patch.conversion import spec_engine
from tflm_patch.conversion.fit import fits_many
from tflm_patch.conversion.fit_types import Budget, Gear
from tflm_patch.graph.writer import serialize_model

CHIP = 'stm32f746'
# What depends on weights is unknown of a spec.
WITHOUT_WEIGHTS = '-constant_channels', '-zero_taps'
LARGE = ('mobilenet_v1:1.0:224', 'mobilenet_v2:1.0:224', 'mcunet_vww')
# Runs the tool, then prints the most memory, in kB, and the seconds that it took.
MEASURED = """
import resource, sys
from tflm_patch.cli.main import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
# Of this program alone: ru_maxrss would count what its parent held when it was started, too.
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
print(status['VmHWM'].split()[0], used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code)
"""


def parse() -> argparse.Namespace:
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--json', action='store_true', help='print for machines')
  parser.add_argument('--decide', type=int, default=2000, help='specs that are decided')
  parser.add_argument('--exact', type=int, default=300, help='specs that are searched')
  parser.add_argument('--compare', type=int, default=500, help='specs that are converted, too')
  parser.add_argument('--samples', type=int, default=1000, help='specs of each space; 0 for none')
  parser.add_argument('--processes', type=int, default=2, help='for the spaces')
  parser.add_argument('--models', type=pathlib.Path, help='folder of models that are converted')
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
  mismatches, larger, ratios = 0, 0, [1.0]
  for number, spec in enumerate(specs):
    model = with_random_weights(to_graph(spec, RandomScales(number)), number)
    data = serialize_model(model)
    result = convert_model(data, ConvertOptions(plugins=WITHOUT_WEIGHTS))
    usual = convert_model(data)
    required = spec_engine.requirements_of(spec)
    mismatches += (required.arena.total, required.arena.required) != (
      result.converted_arena.total,
      result.converted_arena.required,
    )
    larger += (
      usual.converted_arena.required > required.arena.required
      or usual.converted_bytes > result.converted_bytes
    )
    ratio = required.flash / result.converted_bytes
    ratios.append(max(ratio, 1 / ratio))
  return {
    'specs_compared': len(specs),
    'arena_mismatches': mismatches,
    'larger_with_rewrites_of_weights': larger,
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


def written(folder: pathlib.Path) -> list[pathlib.Path]:
  """Files of large networks with random weights."""
  files = []
  for name in LARGE:
    model = with_random_weights(to_graph(named(name), RandomScales(0)), 0)
    files.append(folder / f'{name.replace(":", "_")}.tflite')
    files[-1].write_bytes(serialize_model(model))
  return files


def convert_memory(models: pathlib.Path | None) -> dict[str, object]:
  """The most memory and CPU time that converting one of the models takes."""
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    files = written(folder) if models is None else sorted(models.glob('*.tflite'))
    used = [(*converted(file, folder / 'out.tflite'), file.stem) for file in files]
  if not used:
    sys.exit(f'{models}: has no .tflite files')
  peak_mb, _, largest = max(used)
  seconds, slowest = max((seconds, stem) for _, seconds, stem in used)
  return {
    'convert_models': len(used),
    'convert_peak_mb': round(peak_mb, 1),
    'convert_peak_model': largest,
    'convert_most_seconds': round(seconds, 2),
    'convert_slowest_model': slowest,
  }


def converted(file: pathlib.Path, output: pathlib.Path) -> tuple[float, float]:
  """Peak memory in MB and seconds of CPU time of the command on one file."""
  command = [sys.executable, '-c', MEASURED, 'convert', str(file), '-o', str(output)]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  if done.returncode:
    sys.exit(f'{file}: {done.stderr}')
  kilobytes, seconds = done.stderr.split()[-2:]
  return int(kilobytes) / 1024, float(seconds)


def main() -> None:
  """Runs everything."""
  arguments = parse()
  figures = speeds(arguments.decide, arguments.exact)
  figures |= compared(spaces.MCUNET.samples(arguments.compare, seed=4))
  if arguments.samples:
    figures |= all_spaces(arguments.samples, arguments.processes)
  figures |= convert_memory(arguments.models)
  if arguments.json:
    print(json.dumps(figures, indent=2))
  else:
    for name, value in figures.items():
      print(f'{name:26}{value}')


if __name__ == '__main__':
  main()
