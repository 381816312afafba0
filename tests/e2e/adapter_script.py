# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs models in this Python's TFLM: the part of test_adapter.py that knows one wheel.

  python adapter_script.py FOLDER MODEL...

FOLDER holds the package. Prints a JSON list with an entry per model: its outputs for
an input that counts up, or the error, and what TFLM printed. Models run in this very
process: a crash is seen by the caller.
"""

import json
import sys


def main() -> None:
  sys.path.insert(0, sys.argv[1])
  import numpy as np

  from tflm_patch.runtime import tflm

  results = []
  for path in sys.argv[2:]:
    with open(path, 'rb') as file:
      model = file.read()
    try:
      interpreter = tflm.Interpreter(model)
      inputs = [
        np.arange(np.prod(spec.shape)).reshape(spec.shape).astype(spec.dtype)
        for spec in interpreter.inputs
      ]
      outputs = [array.tolist() for array in interpreter.invoke(inputs)]
      results.append({'outputs': outputs, 'tail': interpreter.arena_usage().tail})
    except tflm.InterpreterError as error:
      results.append({'error': str(error)})
  print(json.dumps({'wheel': tflm.wheel_version(), 'results': results}))


if __name__ == '__main__':
  main()
