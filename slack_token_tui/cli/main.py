"""Entry point. The TUI, ``--version``, ``list --names``, ``token`` and ``exec`` start before argparse is imported."""

import errno
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run the command in ``argv`` (default: ``sys.argv[1:]``) and return the exit code."""
    arguments, exec_command = _split_at_dashes(list(sys.argv[1:] if argv is None else argv))
    as_json = "--json" in arguments
    try:
        core_limit = _disable_core_dumps()
        _open_stdout()
        try:
            code = _run_fast_command(arguments, exec_command, core_limit)
            if code is None:
                from slack_token_tui.cli.parser import run

                code = run(arguments, exec_command, core_limit)
        finally:
            sys.stdout.flush()  # here, where its errors are reported; --help ends with SystemExit
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _close_stdout()
        return 141  # 128 + SIGPIPE, as a pipeline expects
    except OSError as error:
        # An error from a file has a filename. Without one it is from standard output, such as a full disk behind ``>``.
        output_errors = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
        is_output = error.filename is None and error.errno in output_errors
        return _report_stdout_error(error) if is_output else _report(error, as_json=as_json)
    except Exception as error:
        return _report(error, as_json=as_json)


def _split_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments of ``exec`` at ``--``. Options after it belong to the command that ``exec`` runs."""
    if words[:1] == ["exec"] and "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    return words, []


def _run_fast_command(arguments: list[str], exec_command: list[str], core_limit: int | None) -> int | None:
    """Run the commands that must start fast, and return the exit code. Return None to run the command with the parser.

    Scripts call ``token`` and ``exec`` all day, completion calls ``list --names``, and a person waits for the TUI.
    """
    if not arguments:
        from slack_token_tui.tui.options import LaunchOptions
        from slack_token_tui.tui.run import run_app

        return run_app(LaunchOptions())
    if arguments == ["--version"]:
        from slack_token_tui import __version__

        print(f"slack-token-tui {__version__}")
        return 0
    if arguments == ["list", "--names"]:
        from slack_token_tui.store.hot_path import config_home, list_names

        for name in list_names(config_home()):
            print(name)
        return 0
    command, *names = arguments
    has_options = len(names) > 1 or any(name.startswith("-") for name in names)
    if has_options or not (command == "token" or (command == "exec" and exec_command)):
        return None

    from slack_token_tui.store.hot_path import valid_token

    token = valid_token(names[0] if names else None)
    if token is None:
        return None  # the command gets it in another way, or says what is wrong
    if exec_command:
        from slack_token_tui.cli.arguments import VARIABLE
        from slack_token_tui.cli.commands.exec import run_command

        return run_command(exec_command, VARIABLE, token, core_limit)
    sys.stdout.write(token + "\n")
    return 0


def _open_stdout() -> None:
    """If stdout is closed, let output fail. If its encoding is not UTF-8, escape characters that it can't encode."""
    if sys.stdout is None:
        import os

        # Read-only, so that writing to it fails as it would on the closed file, and no other file gets its number.
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115 - open until the process exits
    elif (sys.stdout.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # typed as TextIO


def _disable_core_dumps() -> int | None:
    """Disable core dumps, which could contain tokens. Return the previous soft limit, or None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    return soft


def _report_stdout_error(error: OSError) -> int:
    """Report that standard output can't be written, and return the exit code."""
    from slack_token_tui.cli import output

    _close_stdout()
    output.print_message(f"slack-token-tui: can't write to standard output: {error.strerror}.")
    remedy = "Redirect it to a file or /dev/null" if error.errno == errno.EBADF else "Free some disk space"
    output.print_message(f"  {remedy}, and run the command again")
    return 1


def _close_stdout() -> None:
    """Redirect stdout to the null device, so that the interpreter's final flush does not report a broken pipe."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, *, as_json: bool) -> int:
    """Report ``error`` and return the exit code.

    Anything but a Problem is a bug. It is reported by type and location only: messages and locals may hold secrets.
    """
    from slack_token_tui.cli import output
    from slack_token_tui.problems import Problem, error_location

    problem = error if isinstance(error, Problem) else Problem("unexpected", detail=error_location(error))
    return output.report(problem, as_json=as_json)


if __name__ == "__main__":
    sys.exit(main())
