"""Every operation that the receptive field knows, for the recursion and for the gradients: one table."""

from typing import NamedTuple

from cnncourse._trace import Node, names_of
from cnncourse.receptive_field import openings, steps


class Operation(NamedTuple):
    """One operation: what it does to a field, and what opens all its paths to a gradient."""

    step: steps.Step = steps.same
    opening: openings.Opening | None = None  # None: it hands a gradient to all that it depends on
    joins: bool = False  # takes several feature maps


ALONE = (  # each value for itself
    "identity", "relu", "relu6", "leakyrelu", "rrelu", "gelu", "silu", "tanh", "sigmoid", "hardswish",
    "hardsigmoid", "elu", "selu", "celu", "mish", "hardtanh", "prelu", "softplus", "softsign", "logsigmoid",
    "threshold", "tanhshrink", "hardshrink", "softshrink", "clamp", "clip", "clampmin", "clampmax",
    "dropout", "dropout2d", "alphadropout", "featurealphadropout", "neg", "square", "sqrt", "rsqrt",
    "exp", "log", "abs", "reciprocal", "sign", "round", "floor", "ceil", "float", "half", "bfloat16",
    "double", "to", "typeas", "detach",
)  # fmt: skip

KNOWN: dict[str, Operation] = {
    **dict.fromkeys(ALONE, Operation(opening=openings.first)),
    **dict.fromkeys(
        (
            "add",
            "sub",
            "mul",
            "div",
            "truedivide",
            "divide",
            "multiply",
            "subtract",
            "pow",
            "maximum",
            "minimum",
        ),
        Operation(opening=openings.added, joins=True),
    ),
    **dict.fromkeys(("cat", "concat", "concatenate"), Operation(steps.parts(0, 1), joins=True)),
    "stack": Operation(steps.stack, joins=True),
    **dict.fromkeys(("chunk", "split"), Operation(steps.parts(0, 2))),
    "glu": Operation(steps.parts(-1, 1), openings.halves),
    "channelshuffle": Operation(),
    "conv2d": Operation(steps.convolution),
    "avgpool2d": Operation(steps.pool),
    "maxpool2d": Operation(steps.pool, openings.mean_pool),
    "lppool2d": Operation(steps.lp_pool, openings.mean_lp_pool),
    "adaptiveavgpool2d": Operation(steps.adaptive),
    "adaptivemaxpool2d": Operation(steps.adaptive, openings.mean_adaptive_pool),
    "getitem": Operation(steps.index),
    **dict.fromkeys(
        ("pad", "zeropad2d", "constantpad2d", "reflectionpad2d", "replicationpad2d", "circularpad2d"),
        Operation(steps.pad),
    ),
    "permute": Operation(steps.permute),
    **dict.fromkeys(("transpose", "swapaxes"), Operation(steps.transpose)),
    **dict.fromkeys(
        ("flatten", "unflatten", "reshape", "view", "squeeze", "unsqueeze"), Operation(steps.reshape)
    ),
    "linear": Operation(steps.dense),
    **dict.fromkeys(("mean", "sum"), Operation(steps.reduce)),
    **dict.fromkeys(("amax", "amin", "logsumexp", "var", "std"), Operation(steps.reduce, openings.mean)),
    **dict.fromkeys(("batchnorm2d", "batchnorm"), Operation(steps.batch_norm, openings.over_batch)),
    **dict.fromkeys(
        ("instancenorm2d", "instancenorm"), Operation(steps.instance_norm, openings.over_instance)
    ),
    "groupnorm": Operation(steps.everywhere, openings.over_places),
    "layernorm": Operation(steps.layer_norm, openings.over_last),
    "layernorm2d": Operation(),  # torchvision's, over the channels of one place
    "localresponsenorm": Operation(opening=openings.over_channels),
    **dict.fromkeys(
        ("softmax", "logsoftmax", "softmin", "softmax2d"),
        Operation(steps.along_one(None), openings.over_one(1, None)),
    ),
    "normalize": Operation(steps.along_one(1), openings.over_one(2, 1)),
}


def key(name: str) -> str:
    """Return the name of a function or of a class as the table has it."""
    return name.lower().replace("_", "")


def operation_of(node: Node) -> Operation:
    """Return what is known of an operation; a layer of your own is what it was made from."""
    for name in names_of(node):
        if key(name) in KNOWN:
            return KNOWN[key(name)]
    raise steps.unknown(node)
