# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The first stage of TinyNAS: 108 spaces (12 resolutions, 9 widths), 1,000 networks of each.

  python benchmarks/search_spaces.py --arena 320KB --flash 1MB --plot spaces.png
  python benchmarks/search_spaces.py --target stm32f412 --samples 100 --out run --json

Every network is checked exactly: its arena is that of the converted model. Spaces are ranked
by the mean multiply-accumulates of those that fit. With --out a run that is killed goes on
behind the last resolution that was done; times are those of all runs.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from resumable import Work, reported

from tflm_patch.cli.values import argument, parse_size
from tflm_patch.nas import Objectives, SearchSpace, SubSpace, load_space, rank_spaces, tiny_nas
from tflm_patch.nas.search_space import ranked
from tflm_patch.report.spaces import plot_spaces, spaces_table


def checked(
  spaces: list[SearchSpace], objectives: Objectives, work: Work, arguments: argparse.Namespace
) -> Iterator[SubSpace]:
  """The spaces with their networks that fit, one resolution after the other."""
  for shape, group in itertools.groupby(spaces, key=lambda each: each.inputs[0]):
    members = list(group)

    def measure(members: list[SearchSpace] = members) -> dict[str, list[int]]:
      found = rank_spaces(
        members,
        objectives,
        count=arguments.samples,
        seed=arguments.seed,
        processes=arguments.processes,
      )
      return {str(each.width): list(each.macs) for each in found}

    macs = work.once('x'.join(map(str, shape)), measure)
    work.say(f'{shape[0]}x{shape[1]}: {sum(map(len, macs.values())):,} fit')
    for space in members:
      yield SubSpace(space, arguments.samples, tuple(macs[str(space.widths[0])]))


def measure(arguments: argparse.Namespace, folder: pathlib.Path) -> tuple[list[SubSpace], Work]:
  """The ranking."""
  objectives = Objectives.of(arguments.target, arena=arguments.arena, flash=arguments.flash)
  names = ('space', 'samples', 'seed')
  settings: dict[str, Any] = {name: getattr(arguments, name) for name in names}
  settings['limits'] = dict(objectives.limits)
  quiet = arguments.quiet or not (sys.stderr.isatty() or arguments.out)
  work = Work(folder, settings, quiet=quiet)
  spaces = tiny_nas(load_space(arguments.space))
  return ranked(checked(spaces, objectives, work, arguments)), work


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
  parser.add_argument('--out', help='a folder; a run there is gone on with')
  parser.add_argument('--plot', metavar='FILE.png', help='also draw the distributions')
  parser.add_argument('--quiet', action='store_true', help='no lines of progress')
  parser.add_argument('--json', action='store_true', help='print for machines')
  parser.add_argument('--record', action='store_true', help='write them into results/, too')
  arguments = parser.parse_args()
  if arguments.target is None and arguments.arena is None:
    arguments.target = 'stm32f746'  # the paper's chip: 320 KB of SRAM, 1 MB of flash
  with tempfile.TemporaryDirectory() as temporary:
    ranking, work = measure(arguments, pathlib.Path(arguments.out or temporary))
    limits = Objectives.of(arguments.target, arena=arguments.arena, flash=arguments.flash).limits
    figures = {
      'space': arguments.space,
      'limits': dict(limits),
      'spaces': len(ranking),
      'samples': arguments.samples,
      'seed': arguments.seed,
      'processes': arguments.processes,
      'checked': sum(each.tried for each in ranking),
      'fitting': sum(len(each.macs) for each in ranking),
      'ranking': [each.to_json() for each in ranking],
    }
    text = reported('search_spaces', work, figures, arguments.record)
  if arguments.plot:
    shown = ', '.join(f'{name} {limit:,.0f}' for name, limit in limits.items())
    plot_spaces(ranking, f'{arguments.space}: {shown}', arguments.plot)
  if arguments.json:
    print(text)
  else:
    print(spaces_table(ranking))
    seconds, cpu = work.seconds
    print(f'{figures["checked"]:,} networks in {seconds:.0f} seconds, {cpu / 60:.1f} CPU minutes')


if __name__ == '__main__':
  main()
