"""Checkers for the exercises: they run your function, and say kindly and exactly what is wrong with it.

Each ``check_NAME`` is called with your function and returns a `Report`, which a notebook shows as a card.
It never shows the solution; its hints, one after another, come close.

Examples
--------
>>> def output_size(size, kernel, stride, padding):
...     return (size + 2 * padding - kernel) // stride
>>> report = check_output_size(output_size)
>>> report.passed
False
>>> print(report.finding.message)
You count the steps between the window's stops; the stops are one more.
>>> report.hint(1)
'How many stops has a window of 3 on an image of 3?'
"""

from cnncourse.exercises.activations import (
    check_corner,
    check_dead_units,
    check_gelu,
    check_he_deviation,
    check_relu_backward,
)
from cnncourse.exercises.alexnet import (
    check_count_grouped,
    check_response_norm,
    check_ten_windows,
    check_top_k_accuracy,
    check_two_dropouts,
)
from cnncourse.exercises.augmentation import (
    check_flip,
    check_looked_up,
    check_mixup,
    check_move_image,
    check_random_crop,
)
from cnncourse.exercises.cifar10 import (
    check_class_accuracy,
    check_confusion_matrix,
    check_muon_step,
    check_neighbor_share,
    check_paired_interval,
    check_who_leads,
)
from cnncourse.exercises.convolution import (
    check_conv2d,
    check_conv2d_backward,
    check_layer_in_numbers,
    check_outline,
    check_output_size,
    check_slide,
)
from cnncourse.exercises.fast_convolution import (
    check_col2im,
    check_fft_convolve,
    check_four_products,
    check_im2col,
    check_overlap_add,
)
from cnncourse.exercises.finding import Finding, Report
from cnncourse.exercises.googlenet import (
    check_class_maps,
    check_conv1x1,
    check_count_inception,
    check_detour,
    check_inception,
)
from cnncourse.exercises.images import (
    check_bytes_that_wrap,
    check_channel_statistics,
    check_channels_first,
    check_normalize,
    check_places_in_memory,
    check_shrink,
)
from cnncourse.exercises.learning import (
    check_cross_entropy,
    check_cross_entropy_backward,
    check_graph_gradients,
    check_momentum_step,
    check_softmax,
    check_train_dense,
)
from cnncourse.exercises.lenet import (
    check_count_features,
    check_count_parameters,
    check_lenet_on_paper,
    check_name_or_refuse,
    check_subsample,
)
from cnncourse.exercises.modern import (
    check_attention,
    check_attention_by_hand,
    check_depthwise_conv2d,
    check_group_norm,
    check_squeeze_excite,
)
from cnncourse.exercises.notebooks import notebook
from cnncourse.exercises.other_tasks import (
    check_box_iou,
    check_cell_by_hand,
    check_mark_boxes,
    check_mean_iou,
    check_suppress,
)
from cnncourse.exercises.pencil import Pencil
from cnncourse.exercises.pooling import (
    check_avg_pool2d,
    check_max_pool2d,
    check_max_pool2d_backward,
    check_mean_pool2d,
    check_pooled_sizes,
    check_way_back,
)
from cnncourse.exercises.program import Bug, Program
from cnncourse.exercises.receptive_field import (
    check_count_ways,
    check_dilated_field,
    check_field_by_hand,
    check_receptive_field,
    check_seen_pixels,
)
from cnncourse.exercises.resnet import (
    check_block_by_hand,
    check_first_block,
    check_fold_batch_norm,
    check_residual_backward,
    check_residual_block,
)
from cnncourse.exercises.sheet import Checker, Sheet, load_sheet, sheet_files
from cnncourse.exercises.task import Mistake, Task
from cnncourse.exercises.training import (
    check_batch_norm,
    check_batch_norm_backward,
    check_dropout,
    check_two_modes,
)
from cnncourse.exercises.training_loop import check_accuracy, check_epoch, check_train_epoch
from cnncourse.exercises.transfer_learning import (
    check_depth_rates,
    check_fit_head,
    check_head_and_passes,
    check_hidden_distances,
    check_standardize,
)
from cnncourse.exercises.vgg import (
    check_count_activations,
    check_count_layout,
    check_count_multiply_adds,
    check_merge_layers,
    check_multiply_out,
)
from cnncourse.exercises.why_cnns import (
    check_conv_matrix,
    check_count_dense,
    check_equivariance_gap,
    check_shift,
    check_three_wirings,
)
from cnncourse.exercises.your_images import (
    check_calibration_error,
    check_choose_temperature,
    check_split_groups,
    check_threshold_costs,
)

CHECKERS: dict[str, Checker] = {  # a chapter a row
    checker.name: checker
    for checker in (
        check_places_in_memory, check_bytes_that_wrap, check_channels_first, check_channel_statistics,
        check_normalize, check_shrink,
        check_three_wirings, check_count_dense, check_shift, check_conv_matrix, check_equivariance_gap,
        check_layer_in_numbers, check_slide, check_output_size, check_conv2d, check_conv2d_backward,
        check_outline,
        check_pooled_sizes, check_way_back, check_max_pool2d, check_avg_pool2d, check_max_pool2d_backward,
        check_mean_pool2d,
        check_corner, check_relu_backward, check_gelu, check_he_deviation, check_dead_units,
        check_graph_gradients, check_softmax, check_cross_entropy, check_cross_entropy_backward,
        check_momentum_step, check_train_dense,
        check_two_modes, check_batch_norm, check_batch_norm_backward, check_dropout, check_train_epoch,
        check_accuracy, check_epoch,
        check_field_by_hand, check_receptive_field, check_seen_pixels, check_dilated_field, check_count_ways,
        check_four_products, check_im2col, check_col2im, check_fft_convolve, check_overlap_add,
        check_lenet_on_paper, check_count_parameters, check_count_features, check_subsample,
        check_name_or_refuse,
        check_two_dropouts, check_response_norm, check_top_k_accuracy, check_count_grouped, check_ten_windows,
        check_multiply_out, check_count_multiply_adds, check_count_layout, check_count_activations,
        check_merge_layers,
        check_detour, check_conv1x1, check_count_inception, check_class_maps, check_inception,
        check_block_by_hand, check_residual_block, check_residual_backward, check_fold_batch_norm,
        check_first_block,
        check_attention_by_hand, check_depthwise_conv2d, check_squeeze_excite, check_group_norm,
        check_attention,
        check_who_leads, check_confusion_matrix, check_class_accuracy, check_neighbor_share,
        check_paired_interval, check_muon_step,
        check_looked_up, check_random_crop, check_flip, check_mixup, check_move_image,
        check_head_and_passes, check_standardize, check_fit_head, check_depth_rates, check_hidden_distances,
        check_threshold_costs, check_split_groups, check_calibration_error, check_choose_temperature,
        check_cell_by_hand, check_box_iou, check_suppress, check_mean_iou, check_mark_boxes,
    )
}  # fmt: skip
TASKS = {name: checker for name, checker in CHECKERS.items() if isinstance(checker, Task)}
PENCILS = {name: checker for name, checker in CHECKERS.items() if isinstance(checker, Pencil)}

__all__ = [
    "CHECKERS",
    "PENCILS",
    "TASKS",
    "Bug",
    "Finding",
    "Mistake",
    "Pencil",
    "Program",
    "Report",
    "Sheet",
    "Task",
    "load_sheet",
    "notebook",
    "sheet_files",
    *sorted(f"check_{name}" for name in CHECKERS),
]
