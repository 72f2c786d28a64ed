"""What Jinja's constructs are called in messages, and what to write instead."""

from __future__ import annotations

from jinja2 import nodes

_ENGINE = "or set engine: jinja on the file"

_WORDS: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Assign, "set"),
    (nodes.AssignBlock, "set"),
    (nodes.Macro, "macro"),
    (nodes.CallBlock, "call"),
    (nodes.FilterBlock, "a filter block"),
    (nodes.With, "with"),
    (nodes.Include, "include"),
    (nodes.Import, "import"),
    (nodes.FromImport, "import"),
    (nodes.Extends, "extends"),
    (nodes.Block, "block"),
    (nodes.Call, "a call"),
    (nodes.Filter, "a filter"),
    (nodes.Test, "a test with is"),
    (nodes.Compare, "a comparison"),
    (nodes.Concat, "~"),
    (nodes.CondExpr, "a … if … else value"),
    (nodes.BinExpr, "arithmetic, or and/or as a value"),
    (nodes.UnaryExpr, "a sign or not as a value"),
    (nodes.Slice, "a slice"),
    (nodes.List, "a list"),
    (nodes.Tuple, "a tuple"),
    (nodes.Dict, "a dictionary"),
    (nodes.Const, "this literal"),
    (nodes.Getattr, "a name inside a cell"),
    (nodes.Getitem, "a place inside a cell"),
)

#: The nearest allowed form, by construct; the first that fits.
NEAREST_FORM: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Assign, f"put the value into a column of a record, {_ENGINE}"),
    (nodes.AssignBlock, f"write the text where it is needed, {_ENGINE}"),
    (nodes.Macro, f"write the text where it is needed, {_ENGINE}"),
    (nodes.CallBlock, f"write the text where it is needed, {_ENGINE}"),
    (nodes.FilterBlock, "use the filter in the value of the column"),
    (nodes.With, "put the value into a column of a record"),
    (nodes.Stmt, "keep the layout in one file: text, for, if and cells"),
    (nodes.Filter, "use the filter in the value of the column"),
    (nodes.Test, "a cell alone as condition means that it is not empty"),
    (nodes.Compare, "compare in the value of a column, and test here that the cell is not empty"),
    (nodes.Concat, "write the two values side by side: {{ a.b }}{{ c.d }}"),
    (nodes.CondExpr, "write {% if record.cell %}{{ record.cell }}{% else %}…{% endif %}"),
    (nodes.Const, "write text between quotes, or outside of the tags"),
)


def refused_words(node: nodes.Node) -> str:
    """Give the words for a construct."""
    if isinstance(node, nodes.Name):
        return f'"{node.name}"'
    return next(
        (words for kind, words in _WORDS if isinstance(node, kind)), type(node).__name__.lower()
    )


#: The same for layouts that run in Jinja.
NEAREST_FORM_JINJA: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Include, "keep the layout in one file; a macro can hold what repeats"),
    (nodes.Import, "keep the layout in one file; a macro can hold what repeats"),
    (nodes.FromImport, "keep the layout in one file; a macro can hold what repeats"),
    (nodes.Extends, "keep the layout in one file; a macro can hold what repeats"),
    (nodes.Block, "keep the layout in one file; a macro can hold what repeats"),
    (nodes.FilterBlock, "use the filter in the value of the column"),
)
