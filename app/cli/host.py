"""`cove host --foreground`: becomes the host, with its log on the terminal; for looking inside."""

from __future__ import annotations

from app.cli.verb import Options, Subparsers, UsageError, Work, add_verb
from app.spawn import Role, become, host_environment


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "host", "run the background host in the foreground", run, with_json=False)
    parser.add_argument("--foreground", action="store_true", help="log to this terminal, until Ctrl-C")
    parser.add_argument("--engine", choices=("llama", "scripted"), help="for development")


def run(options: Options, work: Work) -> int:
    if not options.foreground:
        raise UsageError("a host in the background is started by whoever needs one; say --foreground")
    engine = ("--engine", options.engine) if options.engine else ()
    arguments = ("--home", str(work.paths.home), "--foreground", *engine)
    return become(Role.HOST, *arguments, environment=host_environment())
