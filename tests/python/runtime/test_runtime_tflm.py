# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from runtime_models import SHAPE, file_bytes, relu_float_io, relu_int8

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.runtime import arena_measurement, capture, isolated, paths, process, selftest, tflm

RELU = file_bytes(relu_int8())


def relu(values):
  return np.maximum(values, -20)


def values(seed=0):
  return np.random.default_rng(seed).integers(-128, 128, SHAPE).astype(np.int8)


# ---- paths ----


def test_kernel_sources_are_found():
  assert (paths.kernels_dir() / 'tflm' / 'stage_op.cc').is_file()
  for folder in paths.include_dirs():
    assert folder.is_dir()


def test_missing_kernel_sources_are_reported(monkeypatch, tmp_path):
  monkeypatch.setattr(paths, '_PACKAGE', tmp_path / 'package')
  with pytest.raises(EnvironmentMissing, match='reinstall tflm-patch'):
    paths.kernels_dir()
  with pytest.raises(EnvironmentMissing, match='was not built'):
    paths.host_library()


# ---- capture ----


def test_capture_takes_what_c_code_prints():
  with capture.stderr() as outer:
    os.write(2, b'one\n')
    with capture.stderr() as inner:
      os.write(2, b'two\r\n\ntwo\nthree\n')
    os.write(2, b'four\n')
  assert inner.text == 'two\r\n\ntwo\nthree\n'
  assert outer.text == 'one\nfour\n'
  assert inner.line(otherwise='') == 'two; three'
  assert capture.Captured().line(otherwise='nothing') == 'nothing'


def test_capture_restores_stderr_after_an_error(capfd):
  with pytest.raises(ValueError), capture.stderr():
    os.write(2, b'hidden\n')
    raise ValueError
  os.write(2, b'seen\n')
  assert capfd.readouterr().err == 'seen\n'


def test_capture_without_a_stderr():
  code = (
    'import os\n'
    'from tflm_patch.runtime import capture\n'
    'os.close(2)\n'
    'with capture.stderr() as captured:\n'
    "  os.write(2, b'text')\n"
    'print(captured.text)\n'
  )
  result = subprocess.run(process.python_command(code), capture_output=True, text=True, timeout=60)
  assert result.stdout == 'text\n'


# ---- interpreters ----


@pytest.fixture(params=[tflm.Interpreter, isolated.IsolatedInterpreter])
def interpreter_class(request, needs_tflm):
  return request.param


def test_invoke(interpreter_class):
  interpreter = interpreter_class(RELU)
  assert interpreter.inputs == interpreter.outputs == [tflm.TensorSpec(np.dtype('int8'), SHAPE)]
  for seed in range(3):
    (output,) = interpreter.invoke([values(seed)])
    np.testing.assert_array_equal(output, relu(values(seed)))
    assert output.dtype == np.int8


def test_inputs_are_read_in_any_layout(interpreter_class):
  wide = values().transpose(0, 2, 1, 3)
  (output,) = interpreter_class(RELU).invoke([wide])
  np.testing.assert_array_equal(output, relu(wide))


@pytest.mark.parametrize(
  ('inputs', 'message'),
  [
    ([], 'the model has 1 inputs, 0 were given'),
    ([values(), values()], 'the model has 1 inputs, 2 were given'),
    ([values().astype(np.uint8)], r'is int8 \[1, 4, 4, 2\], uint8 \[1, 4, 4, 2\] was given'),
    ([values()[0]], r'is int8 \[1, 4, 4, 2\], int8 \[4, 4, 2\] was given'),
  ],
)
def test_wrong_inputs(interpreter_class, inputs, message):
  interpreter = interpreter_class(RELU)
  with pytest.raises(tflm.InterpreterError, match=message):
    interpreter.invoke(inputs)
  np.testing.assert_array_equal(interpreter.invoke([values()])[0], relu(values()))


def test_arena_usage(interpreter_class):
  usage = interpreter_class(RELU).arena_usage()
  assert usage.head == 2 * np.prod(SHAPE)
  assert 0 < usage.tail < 2000
  assert usage.total == usage.head + usage.tail


@pytest.mark.slow
def test_errors_are_one_line(needs_tflm):
  for model in (b'', b'nothing', RELU[:100], RELU[:60] + bytes(len(RELU) - 60)):
    with pytest.raises(TflmPatchError) as caught:
      isolated.IsolatedInterpreter(model)
    assert '\n' not in str(caught.value)
    assert str(caught.value).startswith('TFLM ')


def test_small_arena(needs_tflm):
  with pytest.raises(tflm.InterpreterError, match='TFLM cannot load the model: Failed to '):
    isolated.IsolatedInterpreter(file_bytes(relu_float_io()), arena_bytes=900)


def test_unknown_custom_operator(interpreter_class):
  stage = selftest.model(*selftest.stage()).replace(b'TflmPatchStage', b'TflmPatchOther')
  with pytest.raises(tflm.InterpreterError, match='Failed to get registration'):
    interpreter_class(stage)


def test_stock_models_need_no_host_library(needs_tflm, tmp_path):
  code = (
    'import sys, pathlib\n'
    'from tflm_patch.runtime import paths, tflm\n'
    'paths._PACKAGE = pathlib.Path(sys.argv[1])\n'
    'for path in sys.argv[2:]:\n'
    '  try:\n'
    '    tflm.Interpreter(pathlib.Path(path).read_bytes())\n'
    '    print("runs")\n'
    '  except tflm.EnvironmentMissing as error:\n'
    '    print(error)\n'
  )
  (tmp_path / 'relu').write_bytes(RELU)
  (tmp_path / 'stage').write_bytes(selftest.model(*selftest.stage()))
  command = process.python_command(
    code, str(tmp_path), str(tmp_path / 'relu'), str(tmp_path / 'stage')
  )
  result = subprocess.run(command, capture_output=True, text=True, timeout=60)
  first, second = result.stdout.splitlines()
  assert first == 'runs'
  assert 'libtflm_patch_host.so was not built' in second


def test_missing_wheel_is_reported(tmp_path):
  """In a Python whose import path has everything but the wheel."""
  code = (
    'import sys, pathlib\n'
    'class Hide:\n'
    '  def find_spec(self, name, path=None, target=None):\n'
    '    if name.split(".")[0] == "tflite_micro":\n'
    '      raise ModuleNotFoundError(f"No module named {name!r}", name=name)\n'
    'sys.meta_path.insert(0, Hide())\n'
    'from tflm_patch.runtime import tflm\n'
    'try:\n'
    '  tflm.Interpreter(b"")\n'
    'except tflm.EnvironmentMissing as error:\n'
    '  print(error)\n'
  )
  result = subprocess.run(process.python_command(code), capture_output=True, text=True, timeout=60)
  assert result.stdout.count('\n') == 1, result.stderr
  assert f'pip install "tflite-micro=={tflm.WHEEL}"' in result.stdout


def test_a_wheel_that_does_not_fit_is_reported(needs_tflm, monkeypatch):
  monkeypatch.setattr(selftest, 'expected', lambda array: array)
  with pytest.raises(EnvironmentMissing, match=r'cannot run converted models \(a test model gave'):
    selftest.run()


def test_an_unknown_wheel_is_tried_elsewhere_first(needs_tflm, monkeypatch):
  monkeypatch.setattr(tflm, 'TESTED_WHEELS', ())
  selftest.check()
  monkeypatch.setattr(selftest, 'python_command', lambda code: [sys.executable, '-c', 'exit(9)'])
  with pytest.raises(EnvironmentMissing, match='a test model failed'):
    selftest.check()


# ---- isolation ----


def test_a_crash_is_an_error(needs_tflm):
  with pytest.raises(tflm.InterpreterError, match=r'TFLM crashed \(SIG\w+\) while loading'):
    isolated.IsolatedInterpreter(RELU, arena_bytes=32)


def test_a_lost_process_is_an_error(needs_tflm):
  with isolated.IsolatedInterpreter(RELU) as interpreter:
    interpreter._process.kill()
    with pytest.raises(tflm.InterpreterError, match=r'SIGKILL\) while running the model'):
      interpreter.invoke([values()])


def test_a_slow_process_is_an_error(needs_tflm):
  with isolated.IsolatedInterpreter(RELU) as interpreter:
    interpreter._timeout = 0.2
    interpreter._process.send_signal(19)  # SIGSTOP
    with pytest.raises(tflm.InterpreterError, match=r'did not finish .* within 0\.2 seconds'):
      interpreter.invoke([values()])
    assert interpreter._process.poll() is not None


def test_closing_ends_the_process(needs_tflm):
  interpreter = isolated.IsolatedInterpreter(RELU)
  with interpreter:
    pass
  interpreter.close()
  assert interpreter._process.returncode is not None
  with pytest.raises(tflm.InterpreterError, match='is closed'):
    interpreter.invoke([values()])


def test_nothing_of_the_current_folder_is_imported(needs_tflm, monkeypatch, tmp_path):
  (tmp_path / 'numpy.py').write_text('raise SystemExit("wrong numpy")\n')
  monkeypatch.chdir(tmp_path)
  package = pathlib.Path(tflm.__file__).resolve().parents[2]
  monkeypatch.setattr(sys, 'path', [str(package), *(entry for entry in sys.path if entry)])
  with isolated.IsolatedInterpreter(RELU) as interpreter:
    assert len(interpreter.inputs) == 1


# ---- arena ----


@pytest.mark.slow
@pytest.mark.parametrize(
  'model', [RELU, file_bytes(relu_float_io()), selftest.model(*selftest.stage())]
)
def test_smallest_arena(needs_tflm, model):
  smallest = arena_measurement.smallest_arena(model)
  usage = arena_measurement.measure_arena(model)
  assert smallest % arena_measurement.ALIGNMENT == 0
  assert usage.total <= smallest <= usage.total + 1024
  with isolated.IsolatedInterpreter(model) as interpreter:
    assert interpreter.runs_in(smallest)
    assert not interpreter.runs_in(smallest - arena_measurement.ALIGNMENT)


class Probed:
  """Stands for a model that runs from a given size on."""

  def __init__(self, needed, used):
    self.needed = needed
    self.usage = tflm.ArenaUsage(used, used, 0)
    self.tried = []

  def __enter__(self):
    return self

  def __exit__(self, *_):
    pass

  def runs_in(self, size):
    self.tried.append(size)
    return size >= self.needed


@pytest.mark.parametrize('needed', [16, 17, 4000, 5000, 5001, 5008, 5024, 6100, 99_999])
def test_bisection_finds_the_boundary(monkeypatch, needed):
  probe = Probed(needed, used=5000)
  monkeypatch.setattr(arena_measurement, '_Probe', lambda model: probe)
  assert arena_measurement.smallest_arena(b'') == -(-needed // 16) * 16
  assert len(probe.tried) < 40


def test_bisection_gives_up(monkeypatch):
  monkeypatch.setattr(arena_measurement, '_Probe', lambda model: Probed(1 << 40, used=5000))
  with pytest.raises(tflm.InterpreterError, match='in no arena'):
    arena_measurement.smallest_arena(b'')
