"""Questions with options that explain themselves: each option opens, so no script and no kernel is needed."""

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxTranslator
from sphinx.writers.html5 import HTML5Translator

from tools.quiz import NAME, RIGHT, WRONG, QuizError, check_options, is_right

Visit = Callable[[Any, Any], None]


class Quiz(nodes.General, nodes.Element):
    """A question with its options."""


class Option(nodes.General, nodes.Element):
    """An option, and below it what is said to whoever chooses it."""


class OptionText(nodes.General, nodes.TextElement):
    """What can be chosen."""


class QuizDirective(SphinxDirective):
    """``{quiz}``: a question, and a definition list of options; see tools/quiz.py."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the question."""
        quiz = Quiz()
        self.set_source_info(quiz)
        self.state.nested_parse(self.content, self.content_offset, quiz)
        try:
            if len(quiz) < 2 or not isinstance(quiz[-1], nodes.definition_list):
                raise QuizError("a quiz is a question, and below it a definition list of options")
            options = [make_option(item) for item in quiz[-1].children]
            check_options([option["right"] for option in options])
        except QuizError as error:
            raise self.error(str(error)) from None
        quiz[-1:] = options
        return [quiz]


def make_option(item: nodes.Node) -> Option:
    """Return an option from an item of the list."""
    assert isinstance(item, nodes.Element)
    term, definition = item.children[0], item.children[-1]
    assert isinstance(term, nodes.Element) and isinstance(definition, nodes.Element)
    right = is_right(term.astext())
    first = term.children[0]
    term.children[0] = nodes.Text(first.astext()[4:])
    option = Option(right=right)
    option += OptionText("", "", *term.children)
    said = definition.children[0]
    assert isinstance(said, nodes.Element)
    said.insert(0, [nodes.strong("", RIGHT if right else WRONG), nodes.Text(" ")])
    option += definition.children
    return option


def begin_quiz(self: HTML5Translator, node: Quiz) -> None:
    """Begin a group."""
    self.body.append('<div class="course-quiz" role="group" aria-label="Question">\n')


def begin_option(self: HTML5Translator, node: Option) -> None:
    """Begin what opens."""
    kind = "right" if node["right"] else "wrong"
    self.body.append(f'<details class="course-option course-{kind}">')


def begin_text(self: HTML5Translator, node: OptionText) -> None:
    """Begin what can be chosen."""
    self.body.append("<summary><span>")  # one thing beside the mark, formulas and all


def end(tags: str) -> Visit:
    """Return what writes the ends of tags."""
    return lambda self, node: self.body.append(f"{tags}\n")


def nothing(self: SphinxTranslator, node: nodes.Element) -> None:
    """Write nothing: other formats show the options and their explanations as paragraphs."""


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    for node, begin, tags in (
        (Quiz, begin_quiz, "</div>"),
        (Option, begin_option, "</details>"),
        (OptionText, begin_text, "</span></summary>"),
    ):
        app.add_node(node, html=(begin, end(tags)), latex=(nothing, nothing), text=(nothing, nothing))
    app.add_directive(NAME, QuizDirective)
