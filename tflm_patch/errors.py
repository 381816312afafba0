# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can act on."""


class TflmPatchError(Exception):
  """A failure with a one-line message: what, why, and what to do next.

  Everything that goes wrong because of the user's input raises this class (or
  a subclass); the command line prints the message and exits with 1.
  """


class ModelError(TflmPatchError):
  """A file is not a model that can be read; names the file and the reason."""


class EnvironmentMissing(TflmPatchError):
  """A package, library or tool that the request needs is not installed."""
