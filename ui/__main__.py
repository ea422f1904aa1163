"""The `cove` command: hands over to the window, the command line, or one of Cove's own processes.

Decides by the arguments alone and imports only what it hands over to, so that each starts as fast as it can.
"""

from __future__ import annotations

import os
import sys

_NO_SCREEN = (
    "cove: there is no screen to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set). "
    "`cove --help` lists what can be done in a terminal."
)
_NO_QT = "cove: the window cannot be opened: {reason}. Nothing was changed. `make run` names what is missing."


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code of whatever was asked for."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["--role"]:  # how the frozen app starts its processes
        return _run_role(arguments[1] if len(arguments) > 1 else "", arguments[2:])
    if arguments == ["--version"]:
        import app

        sys.stdout.write(f"cove {app.__version__}\n")
        return 0
    is_new = "--new-window" in arguments
    home, rest = _home_and_rest([each for each in arguments if each != "--new-window"])
    if not rest:
        return _open_window(home, is_new=is_new)
    if len(rest) == 1 and _is_model_file(rest[0]):  # as a desktop opens a file
        # Not resolved: a link's name says more than what it leads to.
        return _open_window(home, is_new=is_new, file=os.path.join(os.getcwd(), rest[0]))  # noqa: PTH109, PTH118
    return _run_cli(arguments)


def _home_and_rest(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Returns the home that was given first, if one was, and what follows it."""
    if arguments and arguments[0].startswith("--home="):
        return arguments[0].partition("=")[2], arguments[1:]
    if len(arguments) > 1 and arguments[0] == "--home":
        return arguments[1], arguments[2:]
    return None, arguments


def _is_model_file(argument: str) -> bool:
    """No verb looks like this. A desktop knows models by what is in them, whatever they are called."""
    is_named_so = argument.lower().endswith(".gguf") and not argument.startswith("-")
    return is_named_so or (os.path.isabs(argument) and os.path.isfile(argument))  # noqa: PTH113, PTH117


def _run_role(role: str, arguments: list[str]) -> int:
    if role == "host":
        from app.host.__main__ import main as host_main

        return host_main(arguments)
    if role == "engine":
        from app.engine.worker.__main__ import main as engine_main

        return engine_main()
    if role == "template":
        from app.engine.worker.template_helper import main as template_main

        return template_main()
    sys.stderr.write(f"cove: there is no role “{role}”\n")
    return 2


def _run_cli(arguments: list[str]) -> int:
    from app.cli.main import main as cli_main

    return cli_main(arguments)


def _open_window(home: str | None, *, is_new: bool, file: str = "") -> int:
    if not _has_screen():
        sys.stderr.write(f"{_NO_SCREEN}\n")
        return 1
    from app.paths import resolve

    try:
        from ui.application import run
    except ImportError as error:  # a system library that Qt needs is missing
        sys.stderr.write(_NO_QT.format(reason=error) + "\n")
        return 1
    return run(resolve(home), is_new=is_new, file=file)


def _has_screen() -> bool:
    """Without one Qt would abort the process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
