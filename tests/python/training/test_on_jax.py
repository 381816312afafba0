# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What trains and quantizes, on JAX, in a process of its own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
SOME = (
  'quantization/test_options.py::test_several_inputs_and_outputs',
  'quantization/test_options.py::test_nested_models_and_a_model_called_twice',
  'training/test_quantization_aware.py::test_bytes_of_both_modes_equal_tflm',
  'training/test_quantization_aware.py::test_extreme_weights',
  'training/test_traced_array.py',
  'nas/test_fitness.py::test_a_proxy_prefers_the_larger_network_and_repeats_itself',
  'nas/test_masks.py::test_masks_leave_out_what_a_choice_leaves_out',
  'training/detection/test_detectors.py::test_the_loss_is_least_for_the_truth',
  'nas/supernet/test_few_shot.py::test_parts_compute_what_the_whole_does',
  'nas/supernet/test_supernet_training.py::test_a_killed_training_goes_on_as_if_it_had_not_been',
)


@pytest.mark.slow
def test_the_same_on_jax():
  if importlib.util.find_spec('jax') is None:
    pytest.skip('needs jax')
  command = [sys.executable, '-m', 'pytest', '-n0', '-q', '-p', 'no:cacheprovider']
  done = subprocess.run(
    [*command, *(str(TESTS / name) for name in SOME)],
    env={**os.environ, 'KERAS_BACKEND': 'jax'},
    cwd=TESTS.parents[1],
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stdout[-4000:]
  assert ' passed' in done.stdout and 'skipped' not in done.stdout
