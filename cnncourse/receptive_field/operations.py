"""Every operation that the receptive field knows, for the recursion and for the gradients: one table."""

from typing import NamedTuple

from cnncourse._trace import Node, names_of
from cnncourse.receptive_field import gradient_rules, layer_rules


class Operation(NamedTuple):
    """One operation: what it does to a field, and what opens all its paths to a gradient."""

    step: layer_rules.Step = layer_rules.same
    opening: gradient_rules.Opening | None = None  # None: it hands a gradient to all that it depends on
    joins: bool = False  # takes several feature maps


ALONE = (  # each value for itself
    "identity", "relu", "relu6", "leakyrelu", "rrelu", "gelu", "silu", "tanh", "sigmoid", "hardswish",
    "hardsigmoid", "elu", "selu", "celu", "mish", "hardtanh", "prelu", "softplus", "softsign", "logsigmoid",
    "threshold", "tanhshrink", "hardshrink", "softshrink",
    "dropout", "dropout2d", "alphadropout", "featurealphadropout", "neg", "square", "sqrt", "rsqrt",
    "exp", "log", "abs", "reciprocal", "sign", "round", "floor", "ceil", "float", "half", "bfloat16",
    "double", "to", "typeas", "detach",
)  # fmt: skip

KNOWN: dict[str, Operation] = {
    **dict.fromkeys(ALONE, Operation(opening=gradient_rules.first)),
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
            "clamp",
            "clip",
            "clampmin",
            "clampmax",
        ),
        Operation(opening=gradient_rules.added, joins=True),
    ),
    **dict.fromkeys(("cat", "concat", "concatenate"), Operation(layer_rules.parts(0, 1), joins=True)),
    "stack": Operation(layer_rules.stack, joins=True),
    **dict.fromkeys(("chunk", "split"), Operation(layer_rules.parts(0, 2))),
    "glu": Operation(layer_rules.parts(-1, 1), gradient_rules.halves),
    "channelshuffle": Operation(),
    "conv2d": Operation(layer_rules.convolution),
    "avgpool2d": Operation(layer_rules.pool),
    "maxpool2d": Operation(layer_rules.pool, gradient_rules.mean_pool),
    "lppool2d": Operation(layer_rules.lp_pool, gradient_rules.mean_lp_pool),
    "adaptiveavgpool2d": Operation(layer_rules.adaptive),
    "adaptivemaxpool2d": Operation(layer_rules.adaptive, gradient_rules.mean_adaptive_pool),
    "getitem": Operation(layer_rules.index),
    **dict.fromkeys(
        ("pad", "zeropad2d", "constantpad2d", "reflectionpad2d", "replicationpad2d", "circularpad2d"),
        Operation(layer_rules.pad),
    ),
    "permute": Operation(layer_rules.permute),
    **dict.fromkeys(("transpose", "swapaxes"), Operation(layer_rules.transpose)),
    **dict.fromkeys(
        ("flatten", "unflatten", "reshape", "view", "squeeze", "unsqueeze"), Operation(layer_rules.reshape)
    ),
    "linear": Operation(layer_rules.dense),
    **dict.fromkeys(("mean", "sum"), Operation(layer_rules.reduce)),
    **dict.fromkeys(
        ("amax", "amin", "logsumexp", "var", "std"), Operation(layer_rules.reduce, gradient_rules.mean)
    ),
    **dict.fromkeys(
        ("batchnorm2d", "batchnorm"), Operation(layer_rules.batch_norm, gradient_rules.over_batch)
    ),
    **dict.fromkeys(
        ("instancenorm2d", "instancenorm"), Operation(layer_rules.instance_norm, gradient_rules.over_instance)
    ),
    "groupnorm": Operation(layer_rules.everywhere, gradient_rules.over_places),
    "layernorm": Operation(layer_rules.layer_norm, gradient_rules.over_last),
    "layernorm2d": Operation(),  # torchvision's, over the channels of one place
    "localresponsenorm": Operation(opening=gradient_rules.over_channels),
    **dict.fromkeys(
        ("softmax", "logsoftmax", "softmin", "softmax2d"),
        Operation(layer_rules.along_one(None), gradient_rules.over_one(1, None)),
    ),
    "normalize": Operation(layer_rules.along_one(1), gradient_rules.over_one(2, 1)),
}


def key(name: str) -> str:
    """Return the name of a function or of a class as the table has it."""
    return name.lower().replace("_", "")


def operation_of(node: Node) -> Operation:
    """Return what is known of an operation; a layer of your own is what it was made from."""
    for name in names_of(node):
        if key(name) in KNOWN:
            return KNOWN[key(name)]
    raise layer_rules.unknown(node)
