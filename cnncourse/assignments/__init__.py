"""Assignments: a notebook to hand out, submissions graded in a jail, a report of what a class gets wrong."""

from cnncourse.assignments.alike import Alike, find_alike
from cnncourse.assignments.course import Assignment, make_assignment
from cnncourse.assignments.grade import Grade, Mark, describe_grades, grade_course, load_grades
from cnncourse.assignments.gradebook import fill_gradebook
from cnncourse.assignments.jail import Jail, NoJailError, Student
from cnncourse.assignments.submission import Submission, read_submission

__all__ = [
    "Alike",
    "Assignment",
    "Grade",
    "Jail",
    "Mark",
    "NoJailError",
    "Student",
    "Submission",
    "describe_grades",
    "fill_gradebook",
    "find_alike",
    "grade_course",
    "load_grades",
    "make_assignment",
    "read_submission",
]
