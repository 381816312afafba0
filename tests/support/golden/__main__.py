# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`python -m support.golden FOLDER` writes the headers there."""

import pathlib
import sys

from support import golden

golden.write(pathlib.Path(sys.argv[1]))
