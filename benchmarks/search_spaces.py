# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The first stage of TinyNAS: 108 spaces (12 resolutions, 9 widths), 1,000 networks of each.

  python benchmarks/search_spaces.py --arena 320KB --flash 1MB --plot spaces.png
  python benchmarks/search_spaces.py --target stm32f412 --samples 100 --json

Every network is checked exactly: its arena is that of the converted model. Spaces are ranked
by the mean multiply-accumulates of those that fit.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time

from tflm_patch.cli.values import argument, parse_size
from tflm_patch.nas import Objectives, load_space, rank_spaces, tiny_nas
from tflm_patch.report.spaces import plot_spaces, spaces_table


def cpu_seconds() -> float:
  """Of this process and of those that have ended."""
  used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
  return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
  """Ranks and prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  size = argument(parse_size)
  parser.add_argument('--space', default='mcunet', help='by name, or a .json file')
  parser.add_argument('--target', help='a chip, for limits that are not given')
  parser.add_argument('--arena', type=size, help='limit of the arena, like 320KB')
  parser.add_argument('--flash', type=size, help='limit of the converted file')
  parser.add_argument('--samples', type=int, default=1000, help='networks of each space')
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--processes', type=int, default=2)
  parser.add_argument('--plot', metavar='FILE.png', help='also draw the distributions')
  parser.add_argument('--json', action='store_true', help='print for machines')
  arguments = parser.parse_args()
  if arguments.target is None and arguments.arena is None:
    arguments.target = 'stm32f746'  # the paper's chip: 320 KB of SRAM, 1 MB of flash
  objectives = Objectives.of(arguments.target, arena=arguments.arena, flash=arguments.flash)
  spaces = tiny_nas(load_space(arguments.space))
  start, cpu = time.monotonic(), cpu_seconds()

  def say(text: str) -> None:
    if sys.stderr.isatty():
      print(f'\r{text}', end='', file=sys.stderr, flush=True)

  ranking = rank_spaces(
    spaces,
    objectives,
    count=arguments.samples,
    seed=arguments.seed,
    processes=arguments.processes,
    progress=say,
  )
  seconds = time.monotonic() - start
  if arguments.plot:
    limits = ', '.join(f'{name} {limit:,.0f}' for name, limit in objectives.limits.items())
    plot_spaces(ranking, f'{arguments.space}: {limits}', arguments.plot)
  if arguments.json:
    figures = {
      'schema_version': 1,
      'space': arguments.space,
      'limits': dict(objectives.limits),
      'spaces': len(ranking),
      'samples': arguments.samples,
      'seed': arguments.seed,
      'seconds': round(seconds, 1),
      'checked': sum(each.tried for each in ranking),
      'fitting': sum(len(each.macs) for each in ranking),
      'cpu_seconds': round(cpu_seconds() - cpu, 1),
      'ranking': [each.to_json() for each in ranking],
    }
    print(json.dumps(figures, indent=2))
  else:
    print(spaces_table(ranking))
    print(f'{sum(each.tried for each in ranking):,} networks in {seconds:.0f} seconds')


if __name__ == '__main__':
  main()
