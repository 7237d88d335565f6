"""Models of the library ``transformers``, every kind small and with random weights: name -> class, settings, inputs."""

import torch


def ids(*shape, vocabulary=99):
    return torch.randint(3, vocabulary, shape)


def text(length=7, **others):
    return lambda: {"input_ids": ids(2, length), **{name: make() for name, make in others.items()}}


def image(size):
    return lambda: {"pixel_values": torch.rand(2, 3, size, size)}


def sound():
    return {"input_values": torch.rand(2, 200)}


def video():
    return {"pixel_values": torch.rand(1, 4, 3, 8, 8)}


BODY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
BERT = {**BODY, "vocab_size": 99, "max_position_embeddings": 64}
LLAMA = {**BERT, "num_key_value_heads": 2}
EXPERTS = {**LLAMA, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
GPT = {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
T5 = {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
BART = {
    **{"vocab_size": 99, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4},
    **{"decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64},
}
VIT = {**BODY, "image_size": 16, "patch_size": 4}
STAGES = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
PYRAMID = {
    **{"hidden_sizes": [8, 16], "depths": [1, 1], "num_encoder_blocks": 2, "patch_sizes": [7, 3], "strides": [4, 2]},
}
SEGFORMER = {**PYRAMID, "sr_ratios": [2, 1], "num_attention_heads": [1, 2], "mlp_ratios": [2, 2]}
SWIN = {"image_size": 16, "patch_size": 2, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 2}
WAV2VEC2 = {
    **BODY,
    **{"vocab_size": 99, "conv_dim": (16, 16), "conv_kernel": (5, 3), "conv_stride": (3, 2)},
    **{"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2},
}
REFORMER = {
    **{"vocab_size": 99, "hidden_size": 32, "attn_layers": ["local", "lsh"], "num_attention_heads": 4},
    **{"attention_head_size": 8, "feed_forward_size": 48, "axial_pos_shape": [4, 4], "axial_pos_embds_dim": [16, 16]},
    **{"max_position_embeddings": 16, "local_attn_chunk_length": 4, "lsh_attn_chunk_length": 4, "num_buckets": 2},
}
WHISPER = {
    **{name: value for name, value in BART.items() if name != "max_position_embeddings"},
    **{"num_mel_bins": 8, "max_source_positions": 20, "max_target_positions": 16, "pad_token_id": 0},
    **{"bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1},
}
DEEPSEEK = {
    **{**EXPERTS, "num_key_value_heads": 4}, "n_routed_experts": 4, "n_group": 2, "topk_group": 1, "q_lora_rank": 16,
    "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8, "v_head_dim": 8, "first_k_dense_replace": 1,
}  # fmt: skip
ENCODEC = {
    **{"num_filters": 4, "hidden_size": 16, "codebook_dim": 16, "codebook_size": 32, "upsampling_ratios": [4, 2]},
    "num_lstm_layers": 1,
}
PERCEIVER = {
    **{"num_latents": 8, "d_latents": 32, "d_model": 24, "num_blocks": 1, "num_self_attends_per_block": 2},
    **{"num_self_attention_heads": 4, "num_cross_attention_heads": 4},
}
CLIP = {"text_config": BERT, "vision_config": VIT, "projection_dim": 16}
SSM = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}
ANSWER = text(decoder_input_ids=lambda: ids(2, 5))

MODELS = {
    # encoders of text
    "BERT": ("BertForSequenceClassification", BERT, text()),
    "RoBERTa": ("RobertaModel", BERT, text()),
    "ALBERT": ("AlbertModel", {**BERT, "embedding_size": 16}, text()),
    "ELECTRA": ("ElectraModel", {**BERT, "embedding_size": 16}, text()),
    "DeBERTa v2": (
        "DebertaV2Model",
        {**BERT, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0},
        text(),
    ),
    "ModernBERT": ("ModernBertModel", {**BERT, "pad_token_id": 0}, text()),
    "MPNet": ("MPNetModel", BERT, text()),
    "Longformer": ("LongformerModel", {**BERT, "attention_window": 4}, text(8)),
    "Nyströmformer": ("NystromformerModel", {**BERT, "num_landmarks": 4, "segment_means_seq_len": 8}, text(8)),
    "XLNet": ("XLNetModel", {"vocab_size": 99, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}, text()),
    "Reformer": ("ReformerModel", REFORMER, text(16)),
    "FNet": ("FNetModel", {k: v for k, v in BERT.items() if k != "num_attention_heads"}, text()),
    # decoders
    "GPT-2": ("GPT2LMHeadModel", GPT, text()),
    "GPT-J": ("GPTJModel", {**GPT, "rotary_dim": 4}, text()),
    "GPT-NeoX": ("GPTNeoXForCausalLM", BERT, text()),
    "OPT": (
        "OPTForCausalLM",
        {**{k: v for k, v in BERT.items() if k != "intermediate_size"}, "ffn_dim": 48, "word_embed_proj_dim": 32},
        text(),
    ),
    "BLOOM": ("BloomForCausalLM", {"vocab_size": 99, "hidden_size": 32, "n_layer": 2, "n_head": 4}, text()),
    "Falcon, ALiBi": (
        "FalconForCausalLM",
        {**{k: v for k, v in BERT.items() if k != "intermediate_size"}, "alibi": True},
        text(),
    ),
    "MPT": ("MptModel", {"vocab_size": 99, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 64}, text()),
    "LLaMA": ("LlamaForCausalLM", LLAMA, text()),
    "Mistral": ("MistralForCausalLM", {**LLAMA, "sliding_window": 4}, text()),
    "Gemma 2": ("Gemma2ForCausalLM", {**LLAMA, "head_dim": 8}, text()),
    "Qwen2": ("Qwen2ForCausalLM", LLAMA, text()),
    "Phi": ("PhiForCausalLM", BERT, text()),
    # experts
    "Mixtral": ("MixtralForCausalLM", {**LLAMA, "num_local_experts": 4}, text()),
    "Qwen2 MoE": ("Qwen2MoeModel", {**EXPERTS, "shared_expert_intermediate_size": 24}, text()),
    "DeepSeek v3": ("DeepseekV3Model", DEEPSEEK, text()),
    "Switch": (
        "SwitchTransformersModel",
        {**T5, "num_decoder_layers": 2, "num_experts": 4, "num_sparse_encoder_layers": 1},
        ANSWER,
    ),
    # state spaces and recurrences
    "Mamba": ("MambaForCausalLM", SSM, text()),
    "Mamba 2": ("Mamba2ForCausalLM", {**SSM, "num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 4}, text()),
    "RWKV": (
        "RwkvForCausalLM",
        {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "context_length": 16},
        text(),
    ),
    # encoders with decoders
    "T5": ("T5ForConditionalGeneration", T5, ANSWER),
    "LongT5": (
        "LongT5Model",
        {**T5, "encoder_attention_type": "transient-global", "local_radius": 2, "global_block_size": 2},
        ANSWER,
    ),
    "BART": ("BartForConditionalGeneration", BART, ANSWER),
    "PEGASUS": ("PegasusModel", BART, ANSWER),
    # images and video
    "ViT": ("ViTForImageClassification", VIT, image(16)),
    "DeiT": ("DeiTForImageClassification", VIT, image(16)),
    "BEiT": ("BeitModel", {**VIT, "use_relative_position_bias": True}, image(16)),
    "DINOv2, interpolated": ("Dinov2Model", VIT, image(20)),
    "Swin": ("SwinModel", SWIN, image(16)),
    "Swin v2": ("Swinv2Model", SWIN, image(16)),
    "ConvNeXT": ("ConvNextModel", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}, image(16)),
    "MobileNetV2": ("MobileNetV2ForImageClassification", {"image_size": 32, "depth_multiplier": 0.25}, image(32)),
    "MobileViT": (
        "MobileViTModel",
        {"image_size": 32, "hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 16, 16, 16, 16, 32]},
        image(32),
    ),
    "ResNet": ("ResNetForImageClassification", {**STAGES, "layer_type": "basic"}, image(16)),
    "RegNet": ("RegNetModel", {**STAGES, "groups_width": 4}, image(16)),
    "BiT": ("BitModel", {**STAGES, "num_groups": 2}, image(16)),
    "PoolFormer": ("PoolFormerModel", {**PYRAMID, "padding": [2, 1]}, image(32)),
    "SegFormer": ("SegformerForSemanticSegmentation", {**SEGFORMER, "decoder_hidden_size": 16}, image(32)),
    "GLPN": ("GLPNModel", SEGFORMER, image(32)),
    "VideoMAE": ("VideoMAEModel", {**VIT, "image_size": 8, "num_frames": 4, "tubelet_size": 2}, video),
    # sound
    "wav2vec 2.0": ("Wav2Vec2Model", WAV2VEC2, sound),
    "HuBERT": ("HubertModel", WAV2VEC2, sound),
    "WavLM": ("WavLMModel", WAV2VEC2, sound),
    "Conformer": (
        "Wav2Vec2ConformerModel",
        {**WAV2VEC2, "conv_depthwise_kernel_size": 5, "position_embeddings_type": "relative"},
        sound,
    ),
    "Whisper": (
        "WhisperModel",
        WHISPER,
        lambda: {"input_features": torch.rand(2, 8, 40), "decoder_input_ids": ids(2, 5)},
    ),
    "EnCodec": ("EncodecModel", ENCODEC, lambda: {"input_values": torch.rand(1, 1, 64)}),
    # more than one, and others
    "CLIP": ("CLIPModel", CLIP, text(pixel_values=lambda: torch.rand(2, 3, 16, 16))),
    "ViLT": ("ViltModel", {**VIT, **BERT}, text(pixel_values=lambda: torch.rand(2, 3, 16, 16))),
    "Perceiver": ("PerceiverModel", PERCEIVER, lambda: {"inputs": torch.rand(2, 6, 24)}),
    "PatchTST": (
        "PatchTSTModel",
        {"num_input_channels": 2, "context_length": 16, "patch_length": 4, "patch_stride": 4, "d_model": 16,
         "num_hidden_layers": 1, "num_attention_heads": 2, "ffn_dim": 16},
        lambda: {"past_values": torch.rand(2, 16, 2)},
    ),
}  # fmt: skip

UNCOVERED = {
    "FNet": "aten::_fft_c2c of FNetBasicFourierTransform 'encoder.layer.0.fourier.self'",
    "VideoMAE": "aten::convolution of Conv3d 'embeddings.patch_embeddings.projection'",
    "EnCodec": "aten::mkldnn_rnn_layer of LSTM",
}
"""What the multiplier has no emulation for, and says."""

UNSEEN = {"Longformer": 2 * 96}
"""Multiplications that torch's counter does not see: products over one element, which torch makes elementwise."""
