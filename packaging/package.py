"""Makes what people download from the frozen app: dist/cove_<version>_<arch>.deb, and the tree as .tar.zst.

`python3 packaging/package.py` freezes first; `--no-freeze` takes the app as it is in build/frozen. Nothing of
it needs root. What the machine lacks is named before anything is built.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path

import deb
import elf
import freeze
from bootstrap import LIBRARIES
from durations import measured

ROOT = freeze.ROOT
DIST = ROOT / "dist"
LINUX = ROOT / "packaging" / "linux"
COMMON_LICENCES = Path("/usr/share/common-licenses")  # on every Debian, so only the archive brings them
TOOLS = {  # program -> Debian package
    "cmake": "cmake",
    "c++": "build-essential",
    "readelf": "binutils",
    "dpkg-deb": "dpkg-dev",
    "fakeroot": "fakeroot",
    "zstd": "zstd",
    "desktop-file-validate": "desktop-file-utils",
    "appstreamcli": "appstream",
    "lintian": "lintian",
}


class MissingToolsError(Exception):
    """Programs are missing; the message is what to type."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-freeze", action="store_true", help="take build/frozen/cove as it is")
    options = parser.parse_args(argv)
    try:
        check_tools()
        app = freeze.APP if options.no_freeze else freeze.freeze()
        for product in package(app, DIST):
            print(product)
    except (
        MissingToolsError,
        deb.UnknownLibraryError,
        freeze.SetUpError,
        freeze.ToolsError,
        OSError,
    ) as error:
        print(f"cove: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"cove: failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def check_tools() -> None:
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise MissingToolsError(f"install what packaging needs: sudo apt-get install -y {' '.join(missing)}")


def package(app: Path, target: Path) -> list[Path]:
    """Returns the files made in `target` from the app's folder."""
    target.mkdir(exist_ok=True)
    version = app_version()
    share = freeze.BUILD / "share"
    shutil.rmtree(share, ignore_errors=True)
    write_share(share, version)
    with measured("the .deb, with lintian"):
        installer = build_deb(app, share, version, target)
    with measured("the .tar.zst"):
        archive = build_archive(app, share, version, target)
    return [installer, archive]


def app_version() -> str:
    found = re.search(r'^__version__ = "([^"]+)"', (ROOT / "app" / "__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise OSError("app/__init__.py does not say its version")
    return found[1]


def source_time() -> int:
    """Returns when the source was last changed: two builds of it are then alike."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    found = subprocess.run(command, capture_output=True, text=True)
    return int(found.stdout) if found.returncode == 0 else int(time.time())


def write_share(share: Path, version: str) -> None:
    """Writes what tells a desktop about the app, as it goes into /usr/share, and has it checked."""
    desktop, metainfo = (
        share / "applications" / "cove.desktop",
        share / "metainfo" / "chat.cove.Cove.metainfo.xml",
    )
    for path, source in (
        (desktop, "cove.desktop"),
        (metainfo, "cove.metainfo.xml"),
        (share / "mime" / "packages" / "cove.xml", "cove-mime.xml"),
        (share / "man" / "man1" / "cove.1", "cove.1"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(
            filled((LINUX / source).read_text(encoding="utf-8"), version, source_time()), encoding="utf-8"
        )
    subprocess.run(["desktop-file-validate", desktop], check=True)
    subprocess.run(["appstreamcli", "validate", "--no-net", metainfo], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([freeze.PYTHON, ROOT / "packaging" / "icons.py", share / "icons" / "hicolor"], check=True)


def filled(text: str, version: str, seconds: int) -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    return text.replace("@VERSION@", version).replace("@DATE@", date)


def build_deb(app: Path, share: Path, version: str, target: Path, *, hasty: bool = False) -> Path:
    tree = target / "tree" if hasty else freeze.BUILD / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(app, tree / "usr" / "lib" / deb.NAME, symlinks=True)
    shutil.copytree(share, tree / "usr" / "share")
    (tree / "usr" / "bin").mkdir()
    (tree / "usr" / "bin" / deb.NAME).symlink_to(f"../lib/{deb.NAME}/{deb.NAME}")
    manual = tree / "usr" / "share" / "man" / "man1" / "cove.1"
    (manual.parent / "cove.1.gz").write_bytes(deb.compressed(manual.read_bytes()))
    manual.unlink()
    _write_documents(tree, f"{version}-1")
    _set_modes(tree)
    _write_control(tree, f"{version}-1")
    product = target / f"{deb.NAME}_{version}-1_{architecture()}.deb"
    level = "-z1" if hasty or _is_hasty() else "-z6"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(source_time())}
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", level, "--build", tree, product],
        check=True, env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if not hasty:
        subprocess.run(["lintian", "--fail-on", "error", "--tag-display-limit", "0", product], check=True)
    return product


def _write_documents(tree: Path, version: str) -> None:
    documents = tree / "usr" / "share" / "doc" / deb.NAME
    documents.mkdir(parents=True)
    shutil.copyfile(LINUX / "copyright", documents / "copyright")
    (documents / "changelog.Debian.gz").write_bytes(deb.changelog(version, formatdate(source_time())))
    (documents / "changelog.gz").write_bytes(deb.compressed((ROOT / "CHANGELOG.md").read_bytes()))
    overrides = tree / "usr" / "share" / "lintian" / "overrides" / deb.NAME
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(LINUX / "lintian-overrides", overrides)


def _write_control(tree: Path, version: str) -> None:
    files = elf.native_files(tree)
    outside = elf.from_outside(elf.needed_libraries(files), tree)
    newest: dict[str, tuple[int, ...]] = {}
    for path in files:
        for family, number in elf.newest_symbols(path).items():
            newest[family] = max(newest.get(family, ()), number)
    everything = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in everything) // 1024
    digests = {str(path.relative_to(tree)): hashlib.md5(path.read_bytes()).hexdigest() for path in everything}
    depends = deb.dependencies(outside, LIBRARIES, newest)
    (tree / "DEBIAN").mkdir(mode=0o755)
    (tree / "DEBIAN" / "control").write_text(deb.control(version, architecture(), size, depends))
    (tree / "DEBIAN" / "md5sums").write_text(deb.md5sums(digests))


def _set_modes(tree: Path) -> None:
    """Only the program is executable: libraries are mapped, not run."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(
                0o755 if path.is_dir() or path == tree / "usr" / "lib" / deb.NAME / deb.NAME else 0o644
            )


def build_archive(app: Path, share: Path, version: str, target: Path) -> Path:
    """The same tree to unpack anywhere."""
    name = f"{deb.NAME}-{version}-linux-{os.uname().machine}"
    tree = freeze.BUILD / "archive" / name
    shutil.rmtree(tree.parent, ignore_errors=True)
    shutil.copytree(app, tree, symlinks=True)
    shutil.copytree(share, tree / "share")
    for document in ("LICENSE", "README.md", "CHANGELOG.md"):
        shutil.copyfile(ROOT / document, tree / document)
    shutil.copyfile(LINUX / "copyright", tree / "COPYRIGHT")
    for text in ("LGPL-3", "GPL-3", "GPL-2", "Apache-2.0"):
        shutil.copyfile(COMMON_LICENCES / text, tree / "licences" / text)
    product = target / f"{name}.tar.zst"
    pack(tree, product)
    return product


def pack(tree: Path, product: Path) -> None:
    """Packs a folder so that the same content gives the same archive."""
    ownership = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", f"--mtime=@{source_time()}"]
    command = ["tar", *ownership, "-C", tree.parent, f"-I{archive_compression()}", "-cf", product]
    subprocess.run([*command, tree.name], check=True)


def archive_compression() -> str:
    return f"zstd -q -T0 -{3 if _is_hasty() else 19}"


def _is_hasty() -> bool:
    """For trying things out: larger files in a fraction of the time."""
    return bool(os.environ.get("COVE_QUICK"))


def architecture() -> str:
    return subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
