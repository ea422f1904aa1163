"""Who may import whom: the table of ARCHITECTURE.md as data.

A row is `package: what it may import of ours, besides itself`. The row with the longest matching name counts.
"""

from __future__ import annotations

BASE = ("app.domain", "app.errors", "app.events", "app.paths", "app.log", "app.spawn")
SERVICES = ("app.settings", "app.store", "app.network")
SCREENS = (
    *(
        "ui.actions",
        "ui.bridge",
        "ui.dialogs",
        "ui.first_window",
        "ui.markdown",
        "ui.texts",
        "ui.theme",
        "ui.viewmodels",
    ),
    *("ui.views", "ui.widgets", "resources"),
)

IMPORTS: dict[str, tuple[str, ...]] = {
    "app": (),
    "app.domain": (),
    "app.errors": ("app.domain",),
    "app.events": ("app.domain",),
    "app.paths": ("app.domain",),
    "app.log": ("app.domain", "app.paths"),
    "app.spawn": ("app.domain", "app.errors", "app.paths"),
    "app.loop": (),
    "app.settings": BASE,
    "app.store": (*BASE, "app.loop"),
    "app.network": ("app", *BASE),
    # What these need from the store they declare as a Protocol; core passes it in.
    "app.models": (*BASE, "app.settings", "app.network", "resources"),
    "app.downloads": (*BASE, "app.settings", "app.network", "app.models"),
    "app.engine": (*BASE, "app.settings"),
    "app.engine.worker": ("app.domain", "app.errors", "app.engine.base", "app.engine.wire"),
    "app.planning": (*BASE, "app.settings", "app.models", "app.engine"),
    "app.finding": (*BASE, "app.network", "app.models", "app.planning"),
    "app.chat": (*BASE, *SERVICES, "app.models", "app.engine", "app.planning", "app.loop"),
    "app.exchange": (*BASE, "app.store"),
    "app.client": ("app", *(name for name in BASE if name != "app.log")),
    "app.core": (
        *("app", *BASE, *SERVICES, "app.loop", "app.models", "app.downloads", "app.engine"),
        *("app.planning", "app.finding", "app.chat", "app.exchange", "app.client"),
    ),
    # A host chooses which kind of engine its core is given.
    "app.host": (
        *("app", *BASE, "app.settings", "app.loop", "app.core", "app.client"),
        *("app.engine", "app.planning"),
    ),
    "app.server": ("app", *BASE, "app.settings", "app.core", "app.client"),
    # Of the engine only the probe, which asks a throw-away child what devices there are (`doctor`).
    "app.cli": (
        *("app", *BASE, "app.settings", "app.client", "app.exchange.json_chat"),
        *("app.engine.probe", "app.engine.wire"),
    ),
    "resources": (),
    "ui.theme": ("resources",),
    "ui.texts": ("app.domain", "resources"),
    "ui.bridge": (*BASE, "app.client"),
    "ui.markdown": ("ui.theme", "ui.widgets"),
    "ui.widgets": ("ui.theme",),
    "ui.viewmodels": ("app.domain", "app.errors", "app.events", "app.settings", "app.client", "ui.bridge"),
    "ui.views": ("app.domain", *SCREENS),
    "ui.dialogs": ("app.domain", *SCREENS),
    "ui": ("app", "app.domain", *SCREENS),
    "ui.first_window": (),
    "ui.application": ("app", *BASE, "app.settings", "app.client", "ui.first_window", *SCREENS),
    # The one entry: it only hands over, and imports what it hands to when it does.
    "ui.__main__": (
        "app",
        "app.cli",
        "app.host",
        "app.engine.worker",
        "app.spawn",
        "app.paths",
        "ui.application",
    ),
}

# Third-party (and some standard) modules that have one door.
DOORS: dict[str, tuple[str, ...]] = {
    "PySide6": ("ui",),
    "markdown_it": ("ui.markdown.parsing",),
    "sqlite3": ("app.store", "app.exchange"),
    "llama_cpp": ("app.engine.worker",),
    "jinja2": ("app.engine.worker",),
    "huggingface_hub": ("app.network.hub", "app.models.hub"),
    "multiprocessing": ("app.client", "app.host"),
    "argparse": ("app.cli", "app.host", "app.engine", "ui.__main__"),
    "tqdm": ("app.cli",),
    "numpy": (),  # llama-cpp-python names it, packages leave it out
}
