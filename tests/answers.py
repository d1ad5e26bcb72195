"""Right answers to every exercise that has a checker, by its name."""

import answers_architectures
import answers_by_hand
import answers_foundations
import answers_practice
import answers_with_torch

RIGHT = {
    **answers_by_hand.RIGHT,
    **answers_foundations.RIGHT,
    **answers_architectures.RIGHT,
    **answers_practice.RIGHT,
    **answers_with_torch.RIGHT,
}
