"""What is refused, in which words: padding, convolutions, pooling and resizing of every rank."""

from __future__ import annotations

from refusal import F, Refusal

from curta.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)

COMBINATIONS = (
    "Supported combinations for non-constant padding: 2D or 3D input: padding size = 2 (pads last dimension); 3D or 4D "
    "input: padding size = 4 (pads last 2 dimensions); 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
)
MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"

PADDING = (
    Refusal(lambda c: F(c).pad(c.zeros(2), 1), ArgumentTypeError,
            "pad(): argument 'pad' (position 2) must be tuple of ints, not int"),
    Refusal(lambda c: F(c).pad(c.zeros(2), (1,)), ShapeError, "Padding length must be divisible by 2"),
    Refusal(lambda c: F(c).pad(c.zeros(2), (1, 1, 1, 1)), ShapeError,
            "Padding length should be less than or equal to two times the input dimension but got padding length 4 and "
            "input of dimension 1"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (-4, 0)), ShapeError, "narrow(): length must be non-negative."),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (1, 1), "mirror"), UnsupportedError,
            "Unrecognised padding mode mirror"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (1, 1), "reflect", 1.0), ShapeError,
            'Padding mode "reflect" doesn\'t take in value argument'),
    Refusal(lambda c: F(c).pad(c.zeros(3), (1, 1), "reflect"), UnsupportedError,
            f"Padding size 2 is not supported for 1D input tensor. {COMBINATIONS}"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3, dtype=c.bool), (1, 1), "replicate"), UnsupportedDTypeError,
            "\"replication_pad1d\" not implemented for 'bool'"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 0), (1, 1), "replicate"), ShapeError,
            "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            "but got: [2, 0]"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (3, 0), "reflect"), ShapeError,
            "Padding size should be less than the corresponding input dimension, but got: padding (3, 0) at dimension "
            "1 of input [2, 3]"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (4, 0), "circular"), ShapeError,
            "Padding value causes wrapping around more than once."),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (-4, 0), "circular"), ShapeError,
            "Negative padding value is resulting in an empty dimension"),
    Refusal(lambda c: F(c).pad(c.zeros(2, 3), (-3, 0), "replicate"), ShapeError,
            "input (W: 3) is too small. Calculated output W: 0"),
    Refusal(lambda c: c.nn.CircularPad2d(1)(c.zeros(2, 3)), ArgumentError, "expected 3D or 4D input (got 2D input)"),
)  # fmt: skip

CONVOLUTIONS = (
    Refusal(lambda c: F(c).conv_tbc(c.zeros(5, 2), c.zeros(3, 3, 4), c.zeros(4)), ShapeError,
            "Input must have 3 dims: time, batch, in_channel"),
    Refusal(lambda c: F(c).conv_tbc(c.zeros(5, 2, 3), c.zeros(3, 3), c.zeros(4)), ShapeError,
            "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels."),
    Refusal(lambda c: F(c).conv_tbc(c.zeros(5, 2, 2), c.zeros(3, 3, 4), c.zeros(4)), ShapeError,
            "Input dim 2 (input channels) is not == dim 1 in the weight tensor"),
    Refusal(lambda c: F(c).conv_tbc(c.zeros(5, 2, 3), c.zeros(3, 3, 4), c.zeros(5)), ShapeError,
            "Bias size must equal dim 2 in the weight tensor (output channels)."),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), padding="same"),
            ArgumentTypeError, "conv_transpose2d(): argument 'padding' must be tuple of ints, not str"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), padding=5), ShapeError,
            "Given input size per channel: (4 x 4). Calculated output size per channel: (-5 x -5). Output size is too "
            "small"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), padding=-1), ShapeError,
            "negative padding is not supported"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), output_padding=-1), ShapeError,
            "negative output_padding is not supported"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), output_padding=1), ShapeError,
            "output padding must be smaller than either stride or dilation, but got output_padding=[1, 1] stride=[1, 1] "
            "dilation=[1, 1]"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 3, 4, 4), c.zeros(3, 1, 2, 2), groups=2), ShapeError,
            "Given groups=2, expected weight to be divisible by 2 at dimension 0, but got weight of size [3, 1, 2, 2] "
            "instead"),
    Refusal(lambda c: F(c).conv_transpose2d(c.zeros(1, 2, 4, 4), c.zeros(1, 1, 2, 2)), ShapeError,
            "Given transposed=1, weight of size [1, 1, 2, 2], expected input[1, 2, 4, 4] to have 1 channels, but got 2 "
            "channels instead"),
    Refusal(lambda c: F(c).conv_transpose1d(c.zeros(1, 1, 4, dtype=c.int32), c.zeros(1, 1, 2, dtype=c.int32)),
            UnsupportedDTypeError, "\"conv_transpose1d\" not implemented for 'int32'"),
    Refusal(lambda c: c.nn.Conv1d(2, 3, 2, padding="full"), ArgumentError,
            "Invalid padding string 'full', should be one of 'valid', 'same'"),
    Refusal(lambda c: c.nn.Conv1d(2, 3, 2, padding="same", stride=2), ArgumentError,
            "padding='same' is not supported for strided convolutions"),
    Refusal(lambda c: c.nn.ConvTranspose1d(2, 3, 2, padding_mode="circular"), ArgumentError,
            'Only "zeros" padding mode is supported for ConvTranspose1d'),
    Refusal(lambda c: c.nn.ConvTranspose2d(2, 3, 2)(c.zeros(1, 2, 4, 4), output_size=(9, 9)), ArgumentError,
            "requested an output size of (9, 9), but valid sizes range from [5, 5] to [5, 5] (for an input of "
            "torch.Size([4, 4]))"),
    Refusal(lambda c: c.nn.ConvTranspose2d(2, 3, 2)(c.zeros(1, 2, 4, 4), output_size=(9,)), ArgumentError,
            "ConvTranspose2D: for 4D input, output_size must have 2 or 4 elements (got 1)"),
)  # fmt: skip

POOLING = (
    Refusal(lambda c: F(c).adaptive_max_pool2d(c.zeros(4, 4), 2), ShapeError,
            "adaptive_max_pool2d(): Expected 3D or 4D tensor, but got [4, 4]"),
    Refusal(lambda c: F(c).max_unpool2d(c.zeros(2, 2), c.zeros(2, 2, dtype=c.int64), 2), ShapeError,
            "Input to max_unpool2d should be a 3d or 4d Tensor, but got a tensor with 2 dimensions."),
    Refusal(lambda c: F(c).max_unpool1d(c.zeros(1, 2), c.zeros(1, 2, dtype=c.int32), 2), DTypeError,
            "elements in indices should be type int64 but got: int32"),
    Refusal(lambda c: F(c).max_unpool2d(c.zeros(1, 2, 2), c.zeros(1, 2, 1, dtype=c.int64), 2), ShapeError,
            "Expected shape of indices to be same as that of the input tensor ([1, 2, 2]) but got indices tensor with "
            "shape: [1, 2, 1]"),
    Refusal(lambda c: F(c).max_unpool2d(c.zeros(1, 2, 2), c.full((1, 2, 2), 99), 2), ShapeError,
            "index 99 is out of bounds for dimension 1 with size 16"),
    Refusal(lambda c: F(c).max_unpool2d(c.zeros(1, 2, 2), c.zeros(1, 2, 2, dtype=c.int64), 2, output_size=(4,)),
            ArgumentError, "output_size should be a sequence containing 2 or 4 elements, but it has a length of '1'"),
    Refusal(lambda c: F(c).max_unpool2d(c.zeros(1, 2, 2), c.zeros(1, 2, 2, dtype=c.int64), 2, output_size=(4, 7)),
            ArgumentError, 'invalid output_size "(4, 7)" (dim 1 must be between 2 and 6)'),
    Refusal(lambda c: F(c).fractional_max_pool2d(c.zeros(1, 5, 5), 2), ArgumentError,
            "fractional_max_pool2d requires specifying either an output_size or an output_ratio"),
    Refusal(lambda c: F(c).fractional_max_pool2d(c.zeros(1, 5, 5), 2, 5), ShapeError,
            "fractional_max_pool2d(): pool height 2 too large relative to input height 5"),
    Refusal(lambda c: F(c).fractional_max_pool2d(c.zeros(1, 5, 5), 2, 2, _random_samples=c.zeros(1, 2, 2)), ShapeError,
            "Expect _random_samples of shape [1, 1, 2], got [1, 2, 2]"),
    Refusal(lambda c: c.nn.FractionalMaxPool2d(2), ArgumentError,
            "FractionalMaxPool2d requires specifying either an output size, or a pooling ratio"),
    Refusal(lambda c: c.nn.FractionalMaxPool2d(2, 2, 0.5), ArgumentError,
            "only one of output_size and output_ratio may be specified"),
    Refusal(lambda c: c.nn.FractionalMaxPool2d(2, output_ratio=1.5), ArgumentError,
            "output_ratio must be between 0 and 1 (got 1.5)"),
)  # fmt: skip

NORMALIZATION = (
    Refusal(lambda c: F(c).group_norm(c.zeros(2), 1), ShapeError,
            "Expected at least 2 dimensions for input tensor but received 1"),
    Refusal(lambda c: F(c).group_norm(c.zeros(1, 2, 3, dtype=c.int64), 1), UnsupportedDTypeError,
            "\"group_norm\" not implemented for 'int64'"),
    Refusal(lambda c: F(c).group_norm(c.zeros(1, 2, 3), 0), ShapeError,
            "Expected num groups to be greater than 0, got 0", only_curta=True),
    Refusal(lambda c: F(c).group_norm(c.zeros(1, 2), 3), ShapeError,
            "Expected number of channels in input to be divisible by num_groups, but got input of shape [1, 2] and "
            "num_groups=3"),
    Refusal(lambda c: F(c).group_norm(c.zeros(1, 4), 2, c.zeros(3)), ShapeError,
            "Expected weight to be a vector of size equal to the number of channels in input, but got weight of shape "
            "[3] and input of shape [1, 4]"),
    Refusal(lambda c: F(c).group_norm(c.zeros(1, 2), 2), ArgumentError,
            "Expected more than 1 value per channel when training, got input size [1, 2]"),
    Refusal(lambda c: F(c).instance_norm(c.zeros(4)), ShapeError,
            "instance_norm: expected input of at least 2 dimensions [N, C, ...], got f32[4]", only_curta=True),
    Refusal(lambda c: F(c).instance_norm(c.zeros(1, 4, 2), use_input_stats=False), ShapeError,
            "Expected running_mean and running_var to be defined when use_input_stats is false"),
    Refusal(lambda c: F(c).instance_norm(c.zeros(1, 4, 1)), ArgumentError,
            "Expected more than 1 spatial element when training, got input size torch.Size([1, 4, 1])"),
    Refusal(lambda c: F(c).local_response_norm(c.zeros(1, 2), 2), ArgumentError,
            "Expected 3D or higher dimensionality input (got 2 dimensions)"),
    Refusal(lambda c: F(c).local_response_norm(c.zeros(1, 2, 3), 0), ShapeError,
            "local_response_norm: size must be at least 1, got 0"),
    Refusal(lambda c: c.nn.GroupNorm(3, 4), ArgumentError, "num_channels (4) must be divisible by num_groups (3)"),
    Refusal(lambda c: c.nn.InstanceNorm2d(4, affine=True)(c.zeros(1, 3, 2, 2)), ArgumentError,
            "expected input's size at dim=1 to match num_features (4), but got: 3."),
)  # fmt: skip

REARRANGING = (
    Refusal(lambda c: F(c).pixel_shuffle(c.zeros(2, 2), 2), ShapeError,
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with 2 dimension(s)"),
    Refusal(lambda c: F(c).pixel_shuffle(c.zeros(2, 2, 2), 0), ShapeError,
            "pixel_shuffle expects a positive upscale_factor, but got 0"),
    Refusal(lambda c: F(c).pixel_shuffle(c.zeros(2, 2, 2), 2), ShapeError,
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            "but input.size(-3)=2 is not divisible by 4"),
    Refusal(lambda c: F(c).pixel_unshuffle(c.zeros(2, 2), 2), ShapeError,
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with 2 dimension(s)"),
    Refusal(lambda c: F(c).pixel_unshuffle(c.zeros(2, 2, 2), 0), ShapeError,
            "pixel_unshuffle expects a positive downscale_factor, but got 0"),
    Refusal(lambda c: F(c).pixel_unshuffle(c.zeros(2, 3, 2), 2), ShapeError,
            "pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)=3 is not divisible "
            "by 2"),
    Refusal(lambda c: F(c).channel_shuffle(c.zeros(2, 2), 2), ShapeError,
            "channel_shuffle expects input with > 2 dims, but got input with sizes [2, 2]"),
    Refusal(lambda c: F(c).channel_shuffle(c.zeros(2, 2, 2), 0), ShapeError,
            "Number of groups to divide channels in must be positive. Value of groups:0"),
    Refusal(lambda c: F(c).channel_shuffle(c.zeros(2, 3, 2), 2), ShapeError,
            "Number of channels must be divisible by groups. Got 3 channels and 2 groups."),
    Refusal(lambda c: F(c).unfold(c.zeros(2, 3), 2), ShapeError,
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            "but got: [2, 3]", only_curta=True),
    Refusal(lambda c: F(c).unfold(c.zeros(1, 4, 3, 3), 4), ShapeError,
            "Given input with spatial size (3, 3), kernel_size=(4, 4), dilation=(1, 1), padding=(0, 0), calculated "
            "shape of the array of sliding blocks as (0, 0), but its components must be at least one."),
    Refusal(lambda c: F(c).unfold(c.zeros(1, 4, 3, 3), (1, 2, 3)), ShapeError,
            "It is expected kernel_size equals to 2, but got size 3"),
    Refusal(lambda c: F(c).unfold(c.zeros(1, 4, 3, 3), 0), ShapeError,
            "unfold: kernel_size should be greater than zero, but got (0, 0)"),
    Refusal(lambda c: F(c).fold(c.zeros(2), 4, 2), ShapeError,
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            "input, but got: [2]"),
    Refusal(lambda c: F(c).fold(c.zeros(1, 5, 3), 4, 2), ShapeError,
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            "input.size(1)=5 and kernel_size=(2, 2)."),
    Refusal(lambda c: F(c).fold(c.zeros(1, 4, 3), 4, 2), ShapeError,
            "Given output_size=(4, 4), kernel_size=(2, 2), dilation=(1, 1), padding=(0, 0), stride=(1, 1), expected "
            "size of input's dimension 2 to match the calculated number of sliding blocks 3 * 3 = 9, but got "
            "input.size(2)=3."),
)  # fmt: skip

RESIZING = (
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), 2, align_corners=True), ArgumentError,
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
            "trilinear"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 4), 2), UnsupportedError,
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got 2D) for the modes: {MODES} (got nearest)"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4), 2, mode="bilinear"), UnsupportedError,
            "Got 3D input, but bilinear mode needs 4D input"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), 2, antialias=True), ArgumentError,
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as "
            "input"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), 2, mode="lanczos"), ArgumentError,
            "Lanczos mode requires antialias=True"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), 2, mode="lanczos", antialias=True, align_corners=True),
            ArgumentError, "Lanczos mode does not support align_corners=True"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4)), ArgumentError,
            "either size or scale_factor should be defined"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4), 2, 2.0), ArgumentError,
            "only one of size or scale_factor should be defined"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4), 2, recompute_scale_factor=True), ArgumentError,
            "recompute_scale_factor is not meaningful with an explicit size."),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), (2, 2, 2)), ArgumentError,
            "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of "
            "[4, 4] and output size of (2, 2, 2). Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "output size in (o1, o2, ...,oK) format."),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, 4), 0), ShapeError,
            "Input and output sizes should be greater than 0, but got input (H: 4, W: 4) output (H: 0, W: 0)"),
    Refusal(lambda c: F(c).interpolate(c.zeros(1, 1, 4, dtype=c.int64), 2), UnsupportedDTypeError,
            "\"upsample_nearest1d\" not implemented for 'int64'"),
    Refusal(lambda c: F(c).affine_grid(c.zeros(1, 2, 3, dtype=c.int64), (1, 1, 4, 4)), ArgumentError,
            "Expected theta to have floating point type, but got curta.int64"),
    Refusal(lambda c: F(c).affine_grid(c.zeros(1, 2, 3), (1, 1, 4)), UnsupportedError,
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size (1, 1, "
            "4)."),
    Refusal(lambda c: F(c).affine_grid(c.zeros(1, 2, 2), (1, 1, 4, 4)), ArgumentError,
            "Expected a batch of 2D affine matrices of shape Nx2x3 for size (1, 1, 4, 4). Got torch.Size([1, 2, 2])."),
    Refusal(lambda c: F(c).affine_grid(c.zeros(1, 2, 3), (1, 1, 0, 4)), ArgumentError,
            "Expected non-zero, positive output size. Got (1, 1, 0, 4)"),
    Refusal(lambda c: F(c).affine_grid(c.zeros(2, 2, 3), (1, 1, 4, 4)), ShapeError,
            "affine_grid: expected 1 matrices, got theta of shape [2, 2, 3]"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4), c.zeros(1, 2, 2, 2), "linear"), ArgumentError,
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: 'linear'"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4), c.zeros(1, 2, 2, 2), padding_mode="ones"), ArgumentError,
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            "'ones'"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4), c.zeros(2, 2, 2, 2)), ShapeError,
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes [1, 1, 4, 4] and "
            "grid with sizes [2, 2, 2, 2]"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4), c.zeros(1, 2, 2, 2)), ShapeError,
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            "[1, 1, 4] and grid with sizes [1, 2, 2, 2]"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4), c.zeros(1, 2, 2, 3)), ShapeError,
            "grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes [1, 2, 2, 3]"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 0, 4), c.zeros(1, 2, 2, 2)), ShapeError,
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes [1, 1, 0, 4] with "
            "dimension 2 being empty"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4, 4), c.zeros(1, 2, 2, 2, 3), "bicubic"), ShapeError,
            "grid_sampler(): bicubic interpolation only supports 4D input"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4, dtype=c.int64), c.zeros(1, 2, 2, 2, dtype=c.int64)),
            UnsupportedDTypeError, "\"grid_sampler\" not implemented for 'int64'"),
    Refusal(lambda c: F(c).grid_sample(c.zeros(1, 1, 4, 4), c.zeros(1, 2, 2, 2, dtype=c.float64)), DTypeError,
            "expected scalar type float32 but found float64"),
)  # fmt: skip

REFUSALS = (*PADDING, *CONVOLUTIONS, *POOLING, *NORMALIZATION, *REARRANGING, *RESIZING)
