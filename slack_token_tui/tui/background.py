"""Background work of screens and dialogs. Whatever it raises is shown to the user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from textual import work
from textual.worker import Worker

from slack_token_tui.problems import Problem, error_location


class ProblemDisplay(Protocol):
    """A screen, dialog or app that can show a problem."""

    def show_problem(self, problem: Problem) -> None:
        """Show what happened and what to do about it."""


_Node = TypeVar("_Node", bound=ProblemDisplay)
_Parameters = ParamSpec("_Parameters")
_Method = Callable[Concatenate[_Node, _Parameters], Coroutine[Any, Any, None]]


def background(
    group: str = "default", *, exclusive: bool = True
) -> Callable[[_Method[_Node, _Parameters]], Callable[Concatenate[_Node, _Parameters], Worker[None]]]:
    """Decorate an async method so that calling it starts a Textual worker.

    A Problem that the method raises is shown by ``show_problem()`` of its object. Any other exception is a bug, and is
    shown as ``unexpected`` with its place in the source. The app continues.

    Args:
        group: the group of the worker, for ``cancel_group()``.
        exclusive: whether starting it cancels a running worker of the same group.
    """

    def decorate(
        method: _Method[_Node, _Parameters],
    ) -> Callable[Concatenate[_Node, _Parameters], Worker[None]]:
        @wraps(method)
        async def run(node: _Node, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
            await show_errors(node, method(node, *args, **kwargs))

        start: Any = work(exclusive=exclusive, group=group, exit_on_error=False)(run)
        return start  # type: ignore[no-any-return]  # Textual's overloads do not cover a generic method

    return decorate


async def show_errors(display: ProblemDisplay, operation: Awaitable[None]) -> None:
    """Await ``operation``, and show whatever it raises."""
    try:
        await operation
    except Problem as problem:
        display.show_problem(problem)
    except Exception as error:
        display.show_problem(Problem("unexpected", detail=error_location(error)))
