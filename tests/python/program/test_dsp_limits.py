# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The limits and sizes of the kernels of the dsp family are the same in C and in Python."""

import pathlib
import shutil
import subprocess

import pytest

from tflm_patch.program import dsp_limits

SOURCES = pathlib.Path(__file__).resolve().parents[3] / 'micro_kernels' / 'src'
TAPS = (4, 5, 7, 16, 27, 64, 99, 1152)
COLS = (1, 2, 3, 5, 8, 24, 77)
WINDOWS = ((1, 1), (2, 1), (3, 2), (5, 1), (5, 2), (7, 1), (16, 2))


@pytest.fixture(scope='module')
def ask(tmp_path_factory):
  """What expressions of src/dsp/scratch.h are."""
  compiler = shutil.which('gcc') or shutil.which('clang')
  if compiler is None:
    pytest.skip('needs gcc or clang')
  folder = tmp_path_factory.mktemp('scratch')

  def values(expressions):
    lines = [f'printf("%u\\n", (unsigned)({expression}));' for expression in expressions]
    text = [
      '#include <stdio.h>',
      '#include "dsp/scratch.h"',
      'int main(void) {',
      *lines,
      'return 0; }',
    ]
    (folder / 'ask.c').write_text('\n'.join(text))
    binary = folder / 'ask'
    subprocess.run([compiler, f'-I{SOURCES}', folder / 'ask.c', '-o', binary], check=True)
    return [int(line) for line in subprocess.check_output([binary], text=True).split()]

  return values


def test_windows_of_convolutions(ask):
  """The sizes are the smallest for the pixels that they are asked for, rounded up to tiles."""
  cases = [(taps, own, n) for taps in TAPS for own in (False, True) for n in (1, 3, 4, 12)]
  sizes = [dsp_limits.conv_bytes(*case) for case in cases]
  tiles = [(n + 2) // 3 * 3 for _, _, n in cases]
  for fewer, wanted in ((0, tiles), (1, [n - 3 for n in tiles])):
    assert wanted == ask(
      f'tflm_patch_max_wide({taps}, {taps if own else 0}, 3, {size - fewer})'
      for (taps, own, _), size in zip(cases, sizes)
    )


def test_blocks_of_lines(ask):
  """Weights of two channels, and pixels behind them."""
  cases = [(taps, own, n) for taps in TAPS for own in (False, True) for n in (3, 12, 96)]
  room = [dsp_limits.line_bytes(*case) for case in cases]
  assert [n for _, _, n in cases] == ask(
    f'tflm_patch_max_wide({taps}, {taps if own else 0}, 3, {size} - tflm_patch_pair_bytes({taps}))'
    for (taps, own, _), size in zip(cases, room)
  )


def test_blocks_of_columns(ask):
  """Weights of two channels, and columns of some rows behind them; a byte less is too little."""
  cases = [
    (window, depth, cols)
    for window in ((3, 3, 1), (3, 3, 2), (5, 2, 1), (1, 7, 2), (10, 4, 2))
    for depth in (4, 16, 64)
    for cols in (2, 5, 32)
  ]
  taps = [kernel_h * kernel_w * depth for (kernel_h, kernel_w, _), depth, _ in cases]
  for rows in (1, 3):
    room = [dsp_limits.columns_bytes(*case, rows, n) for case, n in zip(cases, taps)]
    one = ask(
      f'({size} - tflm_patch_pair_bytes({n})) / (tflm_patch_window_columns({cols}, '
      f'{window[1]}, {window[2]}) * 2 * {window[0]} * {depth})'
      for (window, depth, cols), n, size in zip(cases, taps, room)
    )
    assert one == [rows] * len(cases)
  for fewer in (0, 1):
    room = [dsp_limits.columns_bytes(*case, 1, n) - fewer for case, n in zip(cases, taps)]
    assert [cols - fewer for _, _, cols in cases] == ask(
      f'tflm_patch_max_block_cols(2 * {window[0]} * {depth}, {window[1]}, {window[2]}, '
      f'{size} - tflm_patch_pair_bytes({n}))'
      for (window, depth, _), n, size in zip(cases, taps, room)
    )


def test_columns_of_3x3_depthwise_convolutions(ask):
  cases = [(stride, cols) for stride in (1, 2) for cols in COLS]
  words = [dsp_limits.depthwise_3x3_bytes(*case) // 16 for case in cases]
  even = [cols + cols % 2 for _, cols in cases]
  assert even == ask(
    f'tflm_patch_max_columns_3x3({stride}, {n})' for (stride, _), n in zip(cases, words)
  )
  # Two columns less take three words less for each column that the input has less.
  large = [(stride, n, most) for (stride, _), n, most in zip(cases, words, even) if most > 4]
  fewer = ask(f'tflm_patch_max_columns_3x3({stride}, {n - 3 * stride})' for stride, n, _ in large)
  assert all(found < most for found, (_, _, most) in zip(fewer, large))


def test_columns_of_depthwise_convolutions(ask):
  """The sizes are the smallest for the columns that they are asked for, rounded up to fours."""
  cases = [(*window, cols) for window in WINDOWS for cols in COLS]
  words = [dsp_limits.depthwise_bytes(*case) // 16 for case in cases]
  fours = [(cols + 3) // 4 * 4 for _, _, cols in cases]
  for fewer, wanted in ((0, fours), (1, [n - 4 for n in fours])):
    assert wanted == ask(
      f'tflm_patch_max_columns({kernel_w}, {stride}, {n - fewer})'
      for (kernel_w, stride, _), n in zip(cases, words)
    )
