"""What every operator of torch does with numbers: a list by name, and outside it an operator counts as hiding products.

Names are those of ``aten``, judged where they reach the dispatcher. ``mul`` stands for ``mul_`` and ``_foreach_mul_``
too, a view for its ``_copy``. Operators that torch defines by others are none of these: those others are judged, in
every mode of gradients alike.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any

import torch

__all__ = ["COMPOSITE", "COMPUTES", "MOVES", "MULTIPLIES", "SUMS", "SUSPECTS", "Kind", "kind_of", "plain_name"]


class Kind(Enum):
    """What an operator does."""

    MOVES = "makes, moves, selects or describes numbers"
    COMPUTES = "functions of one operand, sums, means, comparisons: exact, and no multiplication of operands"
    MULTIPLIES = "products and quotients element by element, norms, interpolation: exact, counted by ``macs``"
    SUMS = "sums products of two operands, which a multiplier should compute"
    COMPOSED = "torch defines it by other operators"
    UNKNOWN = "not on the list, so that it may sum products"


COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""The key under which torch keeps an operator's definition by others."""


SUSPECTS = frozenset((Kind.SUMS, Kind.UNKNOWN))
"""Operators that are uncovered, unless their arguments say otherwise."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOVES = _names("""
    alias as_strided as_strided_scatter detach lift lift_fresh slice_inverse view view_as_complex view_as_real
    _conj _neg_view _fw_primal _make_dual _reshape_alias _unsafe_view expand permute select slice split
    split_with_sizes squeeze t transpose unbind unfold unsqueeze diagonal
    arange empty empty_like empty_permuted empty_strided _efficientzerotensor eye from_file full full_like linspace
    logspace new_empty new_empty_strided new_full new_ones new_zeros ones ones_like range scalar_tensor tril_indices
    triu_indices zeros zeros_like _new_zeros_with_same_feature_meta
    bartlett_window blackman_window hamming_window hann_window kaiser_window
    bernoulli binomial cauchy exponential geometric log_normal multinomial normal normal_functional poisson rand
    rand_like randint randint_like randn randn_like random randperm uniform _sample_dirichlet _standard_gamma
    _chunk_cat _copy_from _copy_from_and_resize _lazy_clone _pack_padded_sequence _pin_memory _stack _to_copy
    _unsafe_index _unsafe_masked_index block_diag cat channel_shuffle clone complex constant_pad_nd copy diag_embed
    diagonal_scatter embedding fill flip gather im2col index index_copy index_fill index_put index_select
    _index_put_impl _unsafe_index_put masked_fill masked_scatter masked_select max_unpool2d max_unpool3d narrow_copy
    pixel_shuffle pixel_unshuffle put reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d resize resize_as _resize_output roll rot90 select_scatter set
    slice_scatter stack take tril triu unsafe_split unsafe_split_with_sizes where zero
    _assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async _functional_assert_scalar
    _functional_sym_constrain_range _functional_sym_constrain_range_for_size _fused_sdp_choice _has_same_storage_numel
    _linalg_check_errors _local_scalar_dense _make_dep_token _print dense_dim is_coalesced is_pinned is_same_size
    is_set_to record_stream sparse_dim sym_constrain_range sym_constrain_range_for_size _reshape_copy fft_fftfreq
    fft_rfftfreq _nested_tensor_from_mask_left_aligned
    _coalesce _coalesced _dimI _dimV _indices _nnz _sparse_coo_tensor_with_dims _sparse_coo_tensor_with_dims_and_tensors
    _to_dense _to_sparse _to_sparse_bsc _to_sparse_bsr _to_sparse_csc _to_sparse_csr _values ccol_indices col_indices
    crow_indices indices int_repr q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale
    q_zero_point qscheme row_indices sparse_coo_tensor sparse_mask values
""") | _names("""
    _cast_Byte _cast_Char _cast_Double _cast_Float _cast_Half _cast_Int _cast_Long _cast_Short _dim_arange
    _has_compatible_shallow_copy_type _is_zerotensor _pad_enum _shape_as_tensor _version atleast_1d atleast_2d
    atleast_3d broadcast_tensors broadcast_to chunk column_stack concat concatenate contiguous data diag dim dsplit
    dstack expand_as flatten get_device hsplit hstack is_complex is_conj is_contiguous is_floating_point is_inference
    is_leaf is_neg is_nonzero is_signed item mT meshgrid moveaxis movedim narrow numel numpy_T output_nr pad pin_memory
    positive promote_types ravel requires_grad_ reshape reshape_as resolve_conj resolve_neg result_type retain_grad
    retains_grad size storage_offset stride swapaxes swapdims sym_is_contiguous sym_numel sym_size sym_storage_offset
    sym_stride tensor_split tile to type_as unflatten unsafe_chunk view_as vsplit vstack
""")
"""The second part are operators defined by others, known to move only: listed so as not to be taken apart each time."""

COMPUTES = _names("""
    _conj_physical abs acos acosh angle asin asinh atan atanh ceil celu conj_physical cos cosh deg2rad digamma elu
    erf erfc erfinv exp exp2 expm1 floor frac frexp gelu hardshrink hardsigmoid hardswish hardtanh i0 leaky_relu
    lgamma log log10 log1p log2
    log_sigmoid_forward logit mish mvlgamma nan_to_num neg polygamma rad2deg reciprocal relu round rrelu_with_noise
    rrelu_with_noise_functional rsqrt sgn sigmoid sign silu sin sinc sinh softplus softshrink sqrt tan tanh threshold
    trunc
    special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1 special_entr special_erfcx
    special_i0e special_i1 special_i1e special_log_ndtr special_modified_bessel_i0 special_modified_bessel_i1
    special_modified_bessel_k0 special_modified_bessel_k1 special_ndtri special_scaled_modified_bessel_k0
    special_scaled_modified_bessel_k1 special_spherical_bessel_j0 special_zeta
    special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
    special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he
    special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t
    special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w
    atan2 copysign fmax fmin gcd heaviside igamma igammac lcm ldexp logaddexp logaddexp2 maximum minimum nextafter
    clamp clamp_max clamp_min
    __ilshift__ __irshift__ __lshift__ __rshift__ bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor logical_and logical_not logical_or logical_xor
    allclose bucketize eq equal ge gt isin isinf isnan isneginf isposinf le lt ne searchsorted signbit
    _histogramdd_bin_edges _histogramdd_from_bin_cts _histogramdd_from_bin_tensors
    _aminmax _cummax_helper _cummin_helper _is_all_true _is_any_true _log_softmax _logcumsumexp _masked_softmax
    _safe_softmax _softmax log_softmax softmax
    all amax amin aminmax any argmax argmin bincount count_nonzero cummax cummin cumsum hash_tensor
    histc histogram kthvalue logcumsumexp logsumexp max mean median min mode nanmedian nansum nonzero nonzero_static
    scatter_add sort sum topk trace _unique _unique2 unique_consecutive unique_dim unique_dim_consecutive
    _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d col2im fractional_max_pool2d
    fractional_max_pool3d max_pool2d_with_indices max_pool3d_with_indices
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_nearest1d upsample_nearest2d
    upsample_nearest3d
    _ctc_loss multi_margin_loss multilabel_margin_loss_forward soft_margin_loss _unsafe_masked_index_put_accumulate
    _amp_update_scale
""")

MULTIPLIES = _names("""
    mul div floor_divide fmod remainder pow xlogy special_xlog1py hypot polar glu _prelu_kernel lerp addcmul addcdiv
    addr add sub rsub _add_relu index_add native_dropout _fused_dropout _masked_scale
    cumprod prod renorm embedding_renorm norm linalg_vector_norm linalg__powsum powsum native_norm dist
    var var_mean std std_mean
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_functional
    _native_batch_norm_legit_no_training _batch_norm_no_update _batch_norm_with_update
    _batch_norm_with_update_functional cudnn_batch_norm miopen_batch_norm native_layer_norm native_group_norm
    _weight_norm_interface
    mse_loss huber_loss smooth_l1_loss binary_cross_entropy binary_cross_entropy_with_logits nll_loss_forward
    nll_loss2d_forward
    scatter scatter_reduce index_reduce segment_reduce
    upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa
    _upsample_bicubic2d_aa _upsample_lanczos2d_aa grid_sampler_2d grid_sampler_3d _grid_sampler_2d_cpu_fallback
    quantize_per_tensor quantize_per_channel dequantize
    fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask
    _amp_foreach_non_finite_check_and_unscale _fused_adagrad _fused_adam _fused_adamw _fused_sgd
""")

SUMS = _names("""
    mm mv bmm dot vdot addmm addmv addbmm baddbmm linear _addmm_activation _grouped_mm _int_mm _scaled_mm _scaled_mm_v2
    _scaled_grouped_mm _scaled_grouped_mm_v2 _mixed_dtypes_linear _weight_int8pack_mm _weight_int4pack_mm
    _weight_int4pack_mm_for_cpu _dyn_quant_matmul_4bit mkldnn_linear _trilinear
    convolution _convolution convolution_overrideable conv_tbc conv_depthwise3d _conv_depthwise2d mkldnn_convolution
    cudnn_convolution cudnn_convolution_relu cudnn_convolution_add_relu cudnn_convolution_transpose
    miopen_convolution miopen_convolution_relu miopen_convolution_add_relu miopen_convolution_transpose
    miopen_depthwise_convolution _nnpack_spatial_convolution _slow_conv2d_forward slow_conv3d_forward
    slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d slow_conv_transpose3d
    mkldnn_rnn_layer _cudnn_rnn miopen_rnn _thnn_fused_lstm_cell _thnn_fused_gru_cell
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention
    _scaled_dot_product_fused_attention_overrideable _flash_attention_forward _efficient_attention_forward
    _cudnn_attention_forward _native_multi_head_attention _triton_multi_head_attention _triton_scaled_dot_attention
    _transformer_encoder_layer_fwd
    _embedding_bag _embedding_bag_forward_only _cdist_forward _pdist_forward _euclidean_dist linalg_cross
    affine_grid_generator cudnn_affine_grid_generator
    _fft_c2c _fft_c2r _fft_r2c _compute_linear_combination
    cholesky cholesky_inverse cholesky_solve _cholesky_solve_helper geqrf ormqr triangular_solve lu_unpack
    _linalg_det _linalg_eigh _linalg_eigvals _linalg_slogdet _linalg_solve_ex _linalg_svd linalg_cholesky_ex linalg_eig
    linalg_eigvals linalg_householder_product linalg_inv_ex linalg_ldl_factor_ex linalg_ldl_solve linalg_lstsq linalg_lu
    linalg_lu_factor_ex linalg_lu_solve linalg_matrix_exp linalg_pinv linalg_qr linalg_solve_triangular
""")

# What torch.profiler.record_function leaves around other operators.
_MARKS = _names("_record_function_enter _record_function_enter_new _record_function_exit")


def plain_name(func: Any) -> str:
    """Return an operator's name as the lists have it; with its namespace unless that is ``aten``."""
    space, _, name = func._schema.name.rpartition("::")
    if space != "aten":
        return func._schema.name
    for short in (name, name.removesuffix("_"), name.removeprefix("_foreach_").removesuffix("_")):
        if any(short in names for names in (MOVES, COMPUTES, MULTIPLIES, SUMS)):
            return short
    short = name.removesuffix("_copy")
    return short if short in MOVES else name


@cache
def kind_of(func: Any) -> Kind:
    """Return what an operator, an ``OpOverload``, does."""
    if not isinstance(func, torch._ops.OpOverload):
        return Kind.UNKNOWN  # an operator of higher order, which takes functions
    name = plain_name(func)
    if name in MOVES or (func.namespace == "profiler" and name.rpartition("::")[2] in _MARKS):
        return Kind.MOVES
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSITE):
        return Kind.COMPOSED
    for names, kind in ((COMPUTES, Kind.COMPUTES), (MULTIPLIES, Kind.MULTIPLIES), (SUMS, Kind.SUMS)):
        if name in names:
            return kind
    return Kind.UNKNOWN
