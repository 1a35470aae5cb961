"""Neural-network layers, under PyTorch's names."""

from curta.nn import functional, init, utils
from curta.nn.modules.activation import GELU, Dropout, ReLU, Sigmoid, SiLU, Softmax, Tanh
from curta.nn.modules.attention import MultiheadAttention
from curta.nn.modules.container import ModuleDict, ModuleList, Sequential
from curta.nn.modules.convolution import Conv2d
from curta.nn.modules.einops import EinMix, Rearrange, Reduce
from curta.nn.modules.embedding import Embedding
from curta.nn.modules.linear import Flatten, Identity, Linear
from curta.nn.modules.loss import CrossEntropyLoss, MSELoss
from curta.nn.modules.module import Module
from curta.nn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, LayerNorm, RMSNorm
from curta.nn.modules.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from curta.nn.modules.recurrent import GRU, LSTM, RNN
from curta.nn.modules.recurrent_cells import GRUCell, LSTMCell, RNNCell
from curta.nn.modules.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from curta.nn.parameter import Parameter

__all__ = [
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "EinMix",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Identity",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "Parameter",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "Rearrange",
    "Reduce",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "functional",
    "init",
    "utils",
]
