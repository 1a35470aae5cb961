"""Curta: deep learning in pure Python that keeps the books."""

from math import e, inf, nan, pi

from curta import (
    accelerator,
    array_api,
    autograd,
    backends,
    cuda,
    distributions,
    dtypes,
    einops,
    func,
    functions,
    linalg,
    masked,
    memory,
    mps,
    nn,
    optim,
    random,
    return_types,
    signal,
    special,
    testing,
    utils,
    xpu,
)  # fmt: skip
from curta.amp import GradScaler
from curta.amp.autocast import autocast, get_autocast_dtype, is_autocast_enabled
from curta.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from curta.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
from curta.compiled.function import compile
from curta.costs.account import account
from curta.costs.meter import Meter
from curta.costs.peak import Peak, peak
from curta.costs.planner import plan
from curta.costs.roofline import roofline
from curta.default_dtype import get_default_dtype, set_default_dtype
from curta.device import Device as device
from curta.device import get_default_device, set_default_device
from curta.dtypes import DType as dtype
from curta.dtypes import (
    bfloat16,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from curta.dtypes import bool_ as bool
from curta.einops.equations import einsum
from curta.files import load, load_file, load_metadata, safe_open, save, save_file
from curta.func import vmap
from curta.memory.formats import MemoryFormat as memory_format
from curta.memory.formats import Strided as layout
from curta.memory.formats import channels_last, channels_last_3d, contiguous_format, preserve_format, strided
from curta.nn.dispatcher import (
    _softmax_backward_data,
    _upsample_bilinear2d_aa,
    grid_sampler,
    grid_sampler_2d,
    grid_sampler_3d,
    max_pool2d_with_indices_backward,
    native_dropout_backward,
)
from curta.number_formats import finfo, iinfo
from curta.ops.record import Cost
from curta.printing import get_printoptions, printoptions, set_printoptions
from curta.promotion import can_cast, promote_types
from curta.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from curta.runtime.native import get_num_threads, set_num_threads
from curta.settings import (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    use_deterministic_algorithms,
)
from curta.size import Size
from curta.tensor import Tensor
from curta.typed_tensors import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    set_default_tensor_type,
    typename,
)

# the functions, by the file in functions/ that has them; each stands here and in `__all__`
# isort: off
from curta.functions import (
    # aliases
    absolute, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, clip, concat, concatenate, divide, fix,
    greater, greater_equal, less, less_equal, moveaxis, multiply, negative, not_equal, subtract, swapaxes, swapdims,
    true_divide,
    # arithmetic
    abs, add, clone, div, floor_divide, fmod, mul, neg, pow, reciprocal, remainder, square, sub,
    # choice
    addcdiv, addcmul, clamp, lerp, masked_fill, maximum, minimum, where,
    # comparison
    allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq, equal,
    ge, gt, isclose, isfinite, isinf, isnan, le, logical_and, logical_not, logical_or, logical_xor, lt, ne, truth,
    # complex_numbers
    angle, conj, conj_physical, conj_physical_, get_device, imag, is_complex, is_conj, is_floating_point, is_inference,
    is_neg, is_nonzero, is_same_size, is_signed, is_storage, is_tensor, isreal, numel, real, resolve_conj, resolve_neg,
    result_type,
    # contractions
    chain_matmul, matrix_power, tensordot,
    # copies
    alias_copy, as_strided_copy, detach_copy, diagonal_copy, expand_copy, narrow_copy, permute_copy, select_copy,
    slice_copy, split_copy, split_with_sizes_copy, squeeze_copy, t_copy, transpose_copy, unbind_copy, unfold_copy,
    unsqueeze_copy, view_copy,
    # covariance
    cdist, corrcoef, cov, pdist,
    # creation
    arange, as_tensor, asarray, empty, empty_like, empty_strided, eye, from_numpy, full, full_like, linspace, ones,
    ones_like, tensor, zeros, zeros_like,
    # cumulative
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trapezoid,
    # diagonals
    as_strided_scatter, block_diag, diag, diag_embed, diagflat, diagonal_scatter, select_scatter, slice_scatter,
    # dividing
    dsplit, hsplit, split_with_sizes, tensor_split, unsafe_chunk, unsafe_split, unsafe_split_with_sizes, vsplit,
    # exchange
    from_dlpack, frombuffer, to_dlpack,
    # factoring
    cholesky, geqrf, lu, lu_unpack, orgqr, ormqr, qr, svd,
    # gamma, distributions, bessel
    digamma, erfinv, i0, igamma, igammac, lgamma, mvlgamma, polygamma,
    # grids
    argwhere, atleast_1d, atleast_2d, atleast_3d, cartesian_prod, column_stack, combinations, dstack, meshgrid,
    row_stack,
    # histograms
    histogram, histogramdd,
    # indexing
    gather, index_select, masked_select, nonzero, take_along_dim,
    # inplace
    fill, fill_, zero_,
    # inplace_forms
    abs_, acos_, acosh_, addmv_, arccos_, arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, asin_, asinh_, atan_, atanh_,
    ceil_, clamp_, clamp_max_, clamp_min_, clip_, cos_, cosh_, deg2rad_, erf_, erfc_, exp2_, exp_, expm1_, fix_, floor_,
    frac_, gcd_, i0_, lcm_, ldexp_, log10_, log1p_, log2_, log_, logit_, nan_to_num_, neg_, negative_, rad2deg_,
    reciprocal_, relu_, round_, rsqrt_, sigmoid_, sin_, sinc_, sinh_, sqrt_, square_, tan_, tanh_, trunc_, xlogy_,
    # inplace_views
    as_strided_, detach, detach_,
    # joining
    cat, hstack, stack, tril, triu, vstack,
    # linear_algebra
    addmm, bmm, dot, matmul, mm, mv, outer,
    # low_rank
    pca_lowrank, svd_lowrank,
    # mathematics
    acos, asin, atan, atan2, ceil, cos, cosh, erf, erfc, exp, exp2, expm1, floor, frac, log, log10, log1p, log2,
    nan_to_num, relu, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, tan, tanh, trunc,
    # movement
    adjoint, as_strided, broadcast_shapes, broadcast_tensors, broadcast_to, chunk, diagonal, flatten, movedim, narrow,
    permute, ravel, reshape, select, split, squeeze, t, tile, transpose, unbind, unflatten, unsqueeze,
    # outputs
    resize_as_,
    # numerical
    frexp, gradient, renorm, trapz,
    # picking
    masked_scatter, put, take,
    # plain
    clamp_max, clamp_min, deg2rad, float_power, fmax, fmin, gcd, lcm, ldexp, rad2deg, rsub,
    # products
    addbmm, addmv, addr, baddbmm, cross, ger, inner, kron, trace, vdot,
    # pseudo_inverses
    pinverse,
    # random
    bernoulli, binomial, multinomial, normal,
    poisson, rand, rand_like, randint, randint_like, randn, randn_like, randperm,
    # reduction
    all, amax, amin, any, argmax, argmin, max, min, prod, sum,
    # repeating
    repeat_interleave,
    # scatter_reduction
    index_reduce, scatter_reduce,
    # scattering
    index_add, index_copy, index_fill, index_put, index_put_, scatter, scatter_add,
    # searching
    bincount, bucketize, histc, isin, searchsorted, unique, unique_consecutive,
    # segments
    segment_reduce,
    # sequences
    empty_permuted, logspace, nonzero_static, range, scalar_tensor, tril_indices, triu_indices, unravel_index, vander,
    # signs
    copysign, heaviside, isneginf, isposinf, nextafter, positive, sgn, signbit,
    # solving
    cholesky_inverse, cholesky_solve, det, inverse, logdet, lu_solve, matrix_exp, slogdet, triangular_solve,
    # sorting
    argsort, kthvalue, median, mode, msort, nanmedian, sort, topk,
    # special
    acosh, asinh, atanh, hypot, logaddexp, logaddexp2, logit, sinc, xlogy,
    # statistics
    count_nonzero, frobenius_norm, logsumexp, mean, norm, norm_except_dim, nuclear_norm, std, var,
    # summaries
    aminmax, dist, nanmean, nanquantile, nansum, quantile, std_mean, var_mean,
    # turning
    flip, fliplr, flipud, roll, rot90,
    # windows
    bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window,
)  # fmt: skip

# functions of nn.functional that PyTorch has at its top level too, as they are and in forms of their own
from curta.nn.functional import (
    adaptive_avg_pool1d, adaptive_max_pool1d, avg_pool1d, celu, celu_, channel_shuffle, conv1d, conv2d, conv3d,
    conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d, cosine_similarity, hardshrink, max_pool1d,
    max_pool2d, max_pool3d, pairwise_distance, pixel_shuffle, pixel_unshuffle, prelu, rms_norm, rrelu, rrelu_, selu,
    selu_, threshold_,
)  # fmt: skip
from curta.nn.native import (
    affine_grid_generator, batch_norm, bilinear, binary_cross_entropy_with_logits, constant_pad_nd,
    cosine_embedding_loss, ctc_loss, dropout, embedding, group_norm, gru, gru_cell, hinge_embedding_loss, instance_norm,
    kl_div, layer_norm, log_softmax, lstm, lstm_cell, margin_ranking_loss, max_pool1d_with_indices, native_batch_norm,
    native_group_norm, native_layer_norm, poisson_nll_loss, rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell, softmax,
    threshold, triplet_margin_loss,
)  # fmt: skip
from curta.nn.native_bags import (
    alpha_dropout, alpha_dropout_, dropout_, embedding_bag, embedding_renorm_, feature_alpha_dropout,
    feature_alpha_dropout_, feature_dropout, feature_dropout_,
)  # fmt: skip
# isort: on

double, float, half = float64, float32, float16
newaxis = None
short, int, long = int16, int32, int64

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The packages that a program of tensors never needs: imported when they are asked for."""
    if name in ("data", "models", "report"):
        from importlib import import_module

        return import_module(f"curta.{name}")
    left_out = (
        "cdouble", "cfloat", "chalf", "complex", "complex128", "complex32", "complex64", "fft", "istft", "polar",
        "stft", "view_as_complex", "view_as_real",
    )  # fmt: skip
    absent = ": Curta has no complex numbers and no Fourier transforms" if name in left_out else ""
    raise AttributeError(f"module 'curta' has no attribute {name!r}{absent}")


__all__ = [  # noqa: RUF022 (by family)
    # submodules, types, formats, contexts
    "__version__", "accelerator", "account", "array_api", "autocast", "autograd", "backends", "bfloat16", "bool",
    "can_cast", "channels_last", "channels_last_3d", "compile", "contiguous_format", "Cost", "layout", "memory_format",
    "preserve_format", "strided", "cuda", "default_generator", "device", "distributions", "double", "dtype", "dtypes",
    "einops", "einsum", "enable_grad", "finfo", "float", "float16", "float32", "float64", "func", "functions",
    "Generator", "GradScaler", "get_autocast_dtype", "get_default_device", "get_default_dtype", "get_num_threads",
    "get_printoptions", "get_rng_state", "half", "iinfo", "inference_mode", "initial_seed", "int", "int16", "int32",
    "int64", "int8", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_autocast_enabled", "is_grad_enabled",
    "is_inference_mode_enabled", "linalg", "load", "load_file", "load_metadata", "long", "manual_seed", "masked",
    "memory", "Meter", "mps", "nn", "no_grad", "optim", "Peak", "peak", "plan", "printoptions", "promote_types",
    "random", "return_types", "roofline", "safe_open", "save", "save_file", "seed", "set_anomaly_enabled",
    "set_default_device", "set_default_dtype", "set_grad_enabled", "set_num_threads", "set_printoptions",
    "set_rng_state", "short", "signal", "Size", "special", "Tensor", "testing", "uint16", "uint32", "uint64", "uint8",
    "utils", "vmap", "xpu",
    # settings
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode", "get_float32_matmul_precision",
    "get_num_interop_threads", "is_deterministic_algorithms_warn_only_enabled", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads", "use_deterministic_algorithms",
    # numbers
    "e", "inf", "nan", "newaxis", "pi",
    # typed_tensors
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "set_default_tensor_type", "typename",
    # as PyTorch's dispatcher names them
    "_softmax_backward_data", "_upsample_bilinear2d_aa", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d",
    "max_pool2d_with_indices_backward", "native_dropout_backward",
    # aliases
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "clip", "concat",
    "concatenate", "divide", "fix", "greater", "greater_equal", "less", "less_equal", "moveaxis", "multiply",
    "negative", "not_equal", "subtract", "swapaxes", "swapdims", "true_divide",
    # arithmetic
    "abs", "add", "clone", "div", "floor_divide", "fmod", "mul", "neg", "pow", "reciprocal", "remainder", "square",
    "sub",
    # choice
    "addcdiv", "addcmul", "clamp", "lerp", "masked_fill", "maximum", "minimum", "where",
    # comparison
    "allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "eq", "equal", "ge", "gt", "isclose", "isfinite", "isinf", "isnan", "le", "logical_and",
    "logical_not", "logical_or", "logical_xor", "lt", "ne", "truth",
    # complex_numbers
    "angle", "conj", "conj_physical", "conj_physical_", "get_device", "imag", "is_complex", "is_conj",
    "is_floating_point", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed", "is_storage", "is_tensor",
    "isreal", "numel", "real", "resolve_conj", "resolve_neg", "result_type",
    # contractions
    "chain_matmul", "matrix_power", "tensordot",
    # copies
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy", "permute_copy",
    "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy",
    "unbind_copy", "unfold_copy", "unsqueeze_copy", "view_copy",
    # covariance
    "cdist", "corrcoef", "cov", "pdist",
    # creation
    "arange", "as_tensor", "asarray", "empty", "empty_like", "empty_strided", "eye", "from_numpy", "full",
    "full_like", "linspace", "ones", "ones_like", "tensor", "zeros", "zeros_like",
    # cumulative
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid",
    # diagonals
    "as_strided_scatter", "block_diag", "diag", "diag_embed", "diagflat", "diagonal_scatter", "select_scatter",
    "slice_scatter",
    # dividing
    "dsplit", "hsplit", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
    "vsplit",
    # exchange
    "from_dlpack", "frombuffer", "to_dlpack",
    # factoring
    "cholesky", "geqrf", "lu", "lu_unpack", "orgqr", "ormqr", "qr", "svd",
    # gamma, distributions, bessel
    "digamma", "erfinv", "i0", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma",
    # grids
    "argwhere", "atleast_1d", "atleast_2d", "atleast_3d", "cartesian_prod", "column_stack", "combinations", "dstack",
    "meshgrid", "row_stack",
    # histograms
    "histogram", "histogramdd",
    # indexing
    "gather", "index_select", "masked_select", "nonzero", "take_along_dim",
    # inplace
    "fill", "fill_", "zero_",
    # inplace_forms
    "abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "asin_",
    "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "cos_", "cosh_", "deg2rad_",
    "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fix_", "floor_", "frac_", "gcd_", "i0_", "lcm_", "ldexp_", "log10_",
    "log1p_", "log2_", "log_", "logit_", "nan_to_num_", "neg_", "negative_", "rad2deg_", "reciprocal_", "relu_",
    "round_", "rsqrt_", "sigmoid_", "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_",
    # inplace_views
    "as_strided_", "detach", "detach_",
    # joining
    "cat", "hstack", "stack", "tril", "triu", "vstack",
    # linear_algebra
    "addmm", "bmm", "dot", "matmul", "mm", "mv", "outer",
    # low_rank
    "pca_lowrank", "svd_lowrank",
    # mathematics
    "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1", "floor", "frac",
    "log", "log10", "log1p", "log2", "nan_to_num", "relu", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt",
    "tan", "tanh", "trunc",
    # movement
    "adjoint", "as_strided", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "chunk", "diagonal", "flatten",
    "movedim", "narrow", "permute", "ravel", "reshape", "select", "split", "squeeze", "t", "tile", "transpose",
    "unbind", "unflatten", "unsqueeze",
    # outputs
    "resize_as_",
    # numerical
    "frexp", "gradient", "renorm", "trapz",
    # picking
    "masked_scatter", "put", "take",
    # plain
    "clamp_max", "clamp_min", "deg2rad", "float_power", "fmax", "fmin", "gcd", "lcm", "ldexp", "rad2deg", "rsub",
    # products
    "addbmm", "addmv", "addr", "baddbmm", "cross", "ger", "inner", "kron", "trace", "vdot",
    # pseudo_inverses
    "pinverse",
    # random
    "bernoulli", "binomial", "multinomial", "normal", "poisson",
    "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm",
    # reduction
    "all", "amax", "amin", "any", "argmax", "argmin", "max", "min", "prod", "sum",
    # repeating
    "repeat_interleave",
    # scatter_reduction
    "index_reduce", "scatter_reduce",
    # scattering
    "index_add", "index_copy", "index_fill", "index_put", "index_put_", "scatter", "scatter_add",
    # searching
    "bincount", "bucketize", "histc", "isin", "searchsorted", "unique", "unique_consecutive",
    # segments
    "segment_reduce",
    # sequences
    "empty_permuted", "logspace", "nonzero_static", "range", "scalar_tensor", "tril_indices", "triu_indices",
    "unravel_index", "vander",
    # signs
    "copysign", "heaviside", "isneginf", "isposinf", "nextafter", "positive", "sgn", "signbit",
    # solving
    "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "lu_solve", "matrix_exp", "slogdet",
    "triangular_solve",
    # sorting
    "argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "sort", "topk",
    # special
    "acosh", "asinh", "atanh", "hypot", "logaddexp", "logaddexp2", "logit", "sinc", "xlogy",
    # statistics
    "count_nonzero", "frobenius_norm", "logsumexp", "mean", "norm", "norm_except_dim", "nuclear_norm", "std", "var",
    # summaries
    "aminmax", "dist", "nanmean", "nanquantile", "nansum", "quantile", "std_mean", "var_mean",
    # turning
    "flip", "fliplr", "flipud", "roll", "rot90",
    # windows
    "bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window",
    # nn.functional and nn.native
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "affine_grid_generator", "alpha_dropout", "alpha_dropout_",
    "avg_pool1d", "batch_norm", "bilinear", "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle",
    "constant_pad_nd", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "ctc_loss", "dropout", "dropout_", "embedding",
    "embedding_bag", "embedding_renorm_", "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout",
    "feature_dropout_", "group_norm", "gru", "gru_cell", "hardshrink", "hinge_embedding_loss", "instance_norm",
    "kl_div", "layer_norm", "log_softmax", "lstm", "lstm_cell", "margin_ranking_loss", "max_pool1d",
    "max_pool1d_with_indices", "max_pool2d", "max_pool3d", "native_batch_norm", "native_group_norm",
    "native_layer_norm", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu",
    "rms_norm", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "rrelu", "rrelu_", "selu", "selu_", "softmax",
    "threshold", "threshold_", "triplet_margin_loss",
]  # fmt: skip
