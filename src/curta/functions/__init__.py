"""Every function over tensors, under PyTorch's names; one family a file.

What of these is public stands in `curta.__all__`, and nowhere else; the rest are what methods call.
"""

# isort: off
from curta.functions.aliases import (
    absolute, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, clip, concat, concatenate, divide, fix,
    greater, greater_equal, less, less_equal, moveaxis, multiply, negative, not_equal, subtract, swapaxes, swapdims,
    true_divide,
)  # fmt: skip
from curta.functions.arithmetic import (
    abs, add, clone, div, floor_divide, fmod, mul, neg, pow, reciprocal, remainder, square, sub,
)  # fmt: skip
from curta.functions.bessel import i0
from curta.functions.callables import apply_, map2_, map_
from curta.functions.choice import addcdiv, addcmul, clamp, lerp, masked_fill, maximum, minimum, where
from curta.functions.comparison import (
    allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq, equal,
    ge, gt, isclose, isfinite, isinf, isnan, le, logical_and, logical_not, logical_or, logical_xor, lt, ne, truth,
)  # fmt: skip
from curta.functions.complex_numbers import (
    angle, conj, conj_physical, conj_physical_, conjugate_transpose, get_device, imag, is_complex, is_conj,
    is_floating_point, is_inference, is_neg, is_nonzero, is_same_size, is_signed, is_storage, is_tensor, isreal, numel,
    real, resolve_conj, resolve_neg, result_type,
)  # fmt: skip
from curta.functions.contractions import chain_matmul, matrix_power, tensordot
from curta.functions.conversion import cast, to
from curta.functions.copies import (
    alias_copy, as_strided_copy, detach_copy, diagonal_copy, expand_copy, narrow_copy, permute_copy, select_copy,
    slice_copy, split_copy, split_with_sizes_copy, squeeze_copy, t_copy, transpose_copy, unbind_copy, unfold_copy,
    unsqueeze_copy, view_copy,
)  # fmt: skip
from curta.functions.counts import binomial, poisson
from curta.functions.covariance import cdist, corrcoef, cov, pdist
from curta.functions.creation import (
    arange, as_tensor, asarray, empty, empty_like, empty_strided, eye, from_numpy, full, full_like, linspace, ones,
    ones_like, tensor, zeros, zeros_like,
)  # fmt: skip
from curta.functions.cumulative import (
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trapezoid,
)  # fmt: skip
from curta.functions.diagonals import (
    as_strided_scatter, block_diag, diag, diag_embed, diagflat, diagonal_scatter, select_scatter, slice_scatter,
)  # fmt: skip
from curta.functions.distributions import erfinv
from curta.functions.dividing import (
    chunk, dsplit, hsplit, split, split_with_sizes, tensor_split, unbind, unfold, unsafe_chunk, unsafe_split,
    unsafe_split_with_sizes, vsplit,
)  # fmt: skip
from curta.functions.exchange import from_dlpack, frombuffer, to_dlpack
from curta.functions.factoring import cholesky, geqrf, lu, lu_unpack, orgqr, ormqr, qr, svd
from curta.functions.gamma import digamma, igamma, igammac, lgamma, mvlgamma, polygamma, polygamma_
from curta.functions.grids import (
    argwhere, atleast_1d, atleast_2d, atleast_3d, cartesian_prod, column_stack, combinations, dstack, meshgrid,
    row_stack,
)  # fmt: skip
from curta.functions.histograms import histogram, histogramdd
from curta.functions.indexing import (
    gather, get_item, index_select, masked_select, nonzero, set_item, take_along_dim,
)  # fmt: skip
from curta.functions.inplace import add_, copy_, div_, fill, fill_, in_place, mul_, sub_, zero_
from curta.functions.inplace_forms import (
    abs_, acos_, acosh_, addmv_, arccos_, arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, asin_, asinh_, atan_, atanh_,
    ceil_, clamp_, clamp_max_, clamp_min_, clip_, cos_, cosh_, deg2rad_, erf_, erfc_, exp2_, exp_, expm1_, fix_, floor_,
    frac_, gcd_, i0_, lcm_, ldexp_, log10_, log1p_, log2_, log_, logit_, nan_to_num_, neg_, negative_, rad2deg_,
    reciprocal_, relu_, round_, rsqrt_, sigmoid_, sin_, sinc_, sinh_, sqrt_, square_, tan_, tanh_, trunc_, xlogy_,
)  # fmt: skip
from curta.functions.inplace_views import (
    as_strided_, detach, detach_, fill_diagonal_, is_set_to, set_, squeeze_, swapaxes_, swapdims_, t_, transpose_,
    unsqueeze_,
)  # fmt: skip
from curta.functions.joining import cat, hstack, stack, tril, triu, vstack
from curta.functions.linear_algebra import addmm, bmm, dot, matmul, mm, mv, outer
from curta.functions.low_rank import pca_lowrank, svd_lowrank
from curta.functions.mathematics import (
    acos, asin, atan, atan2, ceil, cos, cosh, erf, erfc, exp, exp2, expm1, floor, frac, log, log10, log1p, log2,
    nan_to_num, relu, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, tan, tanh, trunc,
)  # fmt: skip
from curta.functions.movement import (
    adjoint, as_strided, broadcast_shapes, broadcast_tensors, broadcast_to, contiguous, diagonal, expand,
    expand_as, flatten, matrix_transpose, movedim, narrow, permute, ravel, repeat, reshape, reshape_as, reversed_dims,
    select, squeeze, t, tile, transpose, unflatten, unsqueeze, view, view_as,
)  # fmt: skip
from curta.functions.outputs import resize_, resize_as_
from curta.functions.numerical import frexp, gradient, renorm, trapz
from curta.functions.picking import masked_scatter, put, put_, take
from curta.functions.plain import (
    clamp_max, clamp_min, deg2rad, float_power, float_power_, fmax, fmin, gcd, lcm, ldexp, rad2deg, rsub,
)  # fmt: skip
from curta.functions.products import addbmm, addmv, addr, baddbmm, cross, ger, inner, kron, trace, vdot
from curta.functions.pseudo_inverses import pinverse
from curta.functions.random import (
    bernoulli, bernoulli_, normal, normal_, rand, rand_like, randint, randint_like, randn, randn_like,
    randperm, uniform_,
)  # fmt: skip
from curta.functions.reduction import all, amax, amin, any, argmax, argmin, max, min, prod, sum, sum_to_size
from curta.functions.repeating import repeat_interleave
from curta.functions.sampling import cauchy_, exponential_, geometric_, log_normal_, multinomial, random_
from curta.functions.scatter_reduction import index_reduce, index_reduce_, scatter_reduce, scatter_reduce_
from curta.functions.scattering import (
    index_add, index_add_, index_copy, index_copy_, index_fill, index_fill_, index_put, index_put_, scatter,
    scatter_, scatter_add, scatter_add_,
)  # fmt: skip
from curta.functions.searching import bincount, bucketize, histc, isin, searchsorted, unique, unique_consecutive
from curta.functions.segments import segment_reduce
from curta.functions.sequences import (
    empty_permuted, logspace, nonzero_static, range, scalar_tensor, tril_indices, triu_indices, unravel_index, vander,
)  # fmt: skip
from curta.functions.signs import copysign, heaviside, isneginf, isposinf, nextafter, positive, sgn, signbit
from curta.functions.solving import (
    cholesky_inverse, cholesky_solve, det, inverse, logdet, lu_solve, matrix_exp, slogdet, triangular_solve,
)  # fmt: skip
from curta.functions.sorting import argsort, kthvalue, median, mode, msort, nanmedian, sort, topk
from curta.functions.special import acosh, asinh, atanh, hypot, logaddexp, logaddexp2, logit, sinc, xlogy
from curta.functions.statistics import (
    count_nonzero, frobenius_norm, logsumexp, mean, norm, norm_except_dim, nuclear_norm, std, var,
)  # fmt: skip
from curta.functions.summaries import aminmax, dist, nanmean, nanquantile, nansum, quantile, std_mean, var_mean
from curta.functions.turning import flip, fliplr, flipud, roll, rot90
from curta.functions.windows import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
