"""ViT: a picture cut into patches, each a token that may look at every other.

Where a convolution reads a window with fixed weights, attention reads the whole picture with weights that
it computes from what is there.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021, section 3.1. https://openreview.net/forum?id=YicbFdNTTy
"""

import torch
from torch import nn

from cnncourse._checks import check_count
from cnncourse.models._inputs import ImageRule


class Attention(nn.Module):
    """Let each token take a weighted mean over all tokens, with weights computed from both.

    Parameters
    ----------
    channels : int
        Numbers of a token.
    heads : int
        How many such means are taken side by side, each of `channels` / `heads` numbers.

    Raises
    ------
    ValueError
        If `channels` is not a multiple of `heads`.

    Examples
    --------
    >>> Attention(32, heads=4)(torch.zeros(2, 64, 32)).shape
    torch.Size([2, 64, 32])
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        if channels % check_count("heads", heads):
            raise ValueError(f"channels must be a multiple of heads, got {channels} and {heads}")
        self.heads = heads
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.mix = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, C) to (N, T, C)."""
        split = self.query_key_value(x).unflatten(-1, (3, self.heads, -1))  # (N, T, 3, heads, C / heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (N, heads, T, C / heads) each
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5  # (N, heads, T, T)
        seen = scores.softmax(dim=-1) @ value  # (N, heads, T, C / heads)
        return self.mix(seen.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class EncoderBlock(nn.Module):
    """Attention over the tokens, then two dense layers at each token, both added to what came in.

    Parameters
    ----------
    channels : int
        Numbers of a token.
    heads : int
        Heads of the attention.
    expansion : int
        How many times wider the layer between the two dense layers is.

    Examples
    --------
    >>> EncoderBlock(32, heads=4)(torch.zeros(2, 64, 32)).shape
    torch.Size([2, 64, 32])
    """

    def __init__(self, channels: int, heads: int, expansion: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attention = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, expansion * channels)
        self.activation = nn.GELU()
        self.reduce = nn.Linear(expansion * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, C) to (N, T, C)."""
        x = x + self.attention(self.norm1(x))
        return x + self.reduce(self.activation(self.expand(self.norm2(x))))  # type: ignore[no-any-return]


class VisionTransformer(nn.Module):
    """ViT for small images: patches as tokens, encoder blocks, the mean of all tokens and one dense layer.

    The paper reads the class from a token of its own; the mean of all tokens does as well and is simpler.

    Parameters
    ----------
    num_classes : int
        Outputs of the last layer.
    in_channels : int
        Channels of the images.
    image_size : int
        Height and width of the images, a multiple of `patch_size`.
    patch_size : int
        Height and width of a patch.
    channels : int
        Numbers of a token.
    blocks : int
        Encoder blocks.
    heads : int
        Heads of each attention.
    position : bool
        Whether each place has a learned vector that is added to its token.

    Raises
    ------
    ValueError
        If the sizes do not divide, or images have another size or other channels.

    Examples
    --------
    >>> VisionTransformer()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        image_size: int = 32,
        patch_size: int = 4,
        channels: int = 64,
        blocks: int = 3,
        heads: int = 4,
        position: bool = True,
    ) -> None:
        super().__init__()
        if image_size % check_count("patch_size", patch_size):
            raise ValueError(f"image_size {image_size} is not a multiple of patch_size {patch_size}")
        tokens = (image_size // patch_size) ** 2
        self.patches = nn.Conv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        place = 0.02 * torch.randn(tokens, channels)
        self.position = nn.Parameter(place) if position else None
        self.blocks = nn.Sequential(*[EncoderBlock(channels, heads) for _ in range(blocks)])
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.classifier = nn.Linear(channels, num_classes)
        layer = f"it has places for the {tokens} patches of such images"
        self.register_forward_pre_hook(ImageRule(in_channels, image_size, layer, exact=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, in_channels, image_size, image_size) to logits (N, num_classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2)  # (N, T, C)
        if self.position is not None:
            x = x + self.position
        x = self.norm(self.blocks(x))  # (N, T, C)
        return self.classifier(x.mean(dim=1))  # type: ignore[no-any-return]
