# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The parameters of a stage's operators: typed for the planner, records in a program.

Every class is a structure of program.h (see `fields.py`): its docstring and the comments of
its fields are the comments there.
"""

from tflm_patch.program.params.activations import LogSoftmaxParams as LogSoftmaxParams
from tflm_patch.program.params.activations import SigmoidParams as SigmoidParams
from tflm_patch.program.params.activations import SoftmaxInt16Params as SoftmaxInt16Params
from tflm_patch.program.params.activations import SoftmaxParams as SoftmaxParams
from tflm_patch.program.params.arithmetic import AddParams as AddParams
from tflm_patch.program.params.arithmetic import ArgMaxParams as ArgMaxParams
from tflm_patch.program.params.arithmetic import BatchMatmulParams as BatchMatmulParams
from tflm_patch.program.params.arithmetic import CumsumParams as CumsumParams
from tflm_patch.program.params.arithmetic import MeanParams as MeanParams
from tflm_patch.program.params.arithmetic import MulParams as MulParams
from tflm_patch.program.params.arithmetic import PoolParams as PoolParams
from tflm_patch.program.params.arithmetic import PreluParams as PreluParams
from tflm_patch.program.params.arithmetic import ReduceParams as ReduceParams
from tflm_patch.program.params.base import Params as Params
from tflm_patch.program.params.base import Requant as Requant
from tflm_patch.program.params.base import Window as Window
from tflm_patch.program.params.base import window_of as window_of
from tflm_patch.program.params.base import with_pads as with_pads
from tflm_patch.program.params.gathering import GatherParams as GatherParams
from tflm_patch.program.params.gathering import NeighboursParams as NeighboursParams
from tflm_patch.program.params.gathering import NodeOrderParams as NodeOrderParams
from tflm_patch.program.params.gathering import PermuteParams as PermuteParams
from tflm_patch.program.params.maps import AppendParams as AppendParams
from tflm_patch.program.params.maps import Between as Between
from tflm_patch.program.params.maps import BlockParams as BlockParams
from tflm_patch.program.params.maps import CropParams as CropParams
from tflm_patch.program.params.maps import HopParams as HopParams
from tflm_patch.program.params.maps import PadParams as PadParams
from tflm_patch.program.params.maps import ResizeParams as ResizeParams
from tflm_patch.program.params.maps import StridedSliceParams as StridedSliceParams
from tflm_patch.program.params.recurrent import LstmParams as LstmParams
from tflm_patch.program.params.recurrent import SvdfParams as SvdfParams
from tflm_patch.program.params.scaling import LookupParams as LookupParams
from tflm_patch.program.params.scaling import QuantizeParams as QuantizeParams
from tflm_patch.program.params.scaling import RequantizeParams as RequantizeParams
from tflm_patch.program.params.scaling import RescaleParams as RescaleParams
from tflm_patch.program.params.weighted import BottleneckParams as BottleneckParams
from tflm_patch.program.params.weighted import ConvParams as ConvParams
from tflm_patch.program.params.weighted import DepthwiseParams as DepthwiseParams
from tflm_patch.program.params.weighted import FullyConnectedParams as FullyConnectedParams
from tflm_patch.program.params.weighted import TransposeConvParams as TransposeConvParams
