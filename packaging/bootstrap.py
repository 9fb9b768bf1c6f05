"""From a fresh clone to a working Partwise: set up, run, test, check, bench.

One file, the standard library alone, so that ``python3 packaging/bootstrap.py run``
works on a machine that has nothing but Python. ``make`` is a thin cover over it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import select
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
RESULTS = ROOT / "results"
STAMP = VENV / "partwise-stamp.json"

OLDEST = (3, 11)
NEWEST = (3, 13)  # the newest that the tests run on; later ones are tried last
MOST_WORKERS = 4  # processes of tests side by side; each loads the libraries anew

# Shared libraries by the Debian package that brings them. Qt's drawing code
# links the first group even where no window is shown.
DRAWING = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
}
WINDOW = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}

# Where an X server on this machine listens (Linux also keeps an abstract twin).
_X_SOCKET = "/tmp/.X11-unix/X{}"  # noqa: S108 (a fixed address, no temporary file)

# A Python that answers this is usable; the second word says whether it can
# make environments by itself (Debian splits that off).
_PROBE = (
    "import sys, importlib.util as u;"
    "print('%d.%d' % sys.version_info[:2], u.find_spec('ensurepip') is not None)"
)


class Trouble(Exception):
    """Something a person has to mend; the message says what and how."""


def say(text: str) -> None:
    """Print one progress line."""
    print(f"partwise: {text}", flush=True)


# --- what the machine has ---------------------------------------------------------------


def loads(library: str) -> bool:
    """Whether the dynamic linker finds `library`; no package manager is asked."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing(
    libraries: Mapping[str, str], have: Callable[[str], bool] | None = None
) -> dict[str, str]:
    """Return the entries of `libraries` (library: Debian package) that do not load."""
    found = have or loads
    return {library: package for library, package in libraries.items() if not found(library)}


def is_root() -> bool:
    """Whether packages may be installed without asking."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install_line(packages: Iterable[str]) -> str:
    """Return the line that a person types to install Debian `packages`."""
    return "sudo apt-get install " + " ".join(sorted(set(packages)))


def apt_install(packages: Iterable[str]) -> bool:
    """Install Debian packages quietly as root; return whether that worked."""
    wanted = sorted(set(packages))
    if not wanted or not is_root() or shutil.which("apt-get") is None:
        return False
    say("installing system packages: " + " ".join(wanted))
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted],
    ):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        say("apt-get could not install them: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return done.returncode == 0


def ensure_libraries(*, xvfb: bool) -> None:
    """Bring the shared libraries that Qt needs, or say which are missing, and go on."""
    if not sys.platform.startswith("linux"):
        return
    absent = missing({**DRAWING, **WINDOW})
    packages = list(absent.values())
    if xvfb and shutil.which("Xvfb") is None:
        packages.append("xvfb")
    if not packages or apt_install(packages):
        return
    if shutil.which("apt-get"):
        say("some system packages are missing; to install them, type:")
        say("    " + install_line(packages))
    elif absent:
        say("some system libraries are missing; your package manager has them:")
        say("    " + " ".join(absent))
    if not any(library in DRAWING for library in absent):
        say("going on without: windows are then drawn off screen")


def display_answers(environ: Mapping[str, str]) -> bool:
    """Whether a window could be shown: a display is named, and something listens there."""
    if not sys.platform.startswith("linux"):
        return True
    wayland = environ.get("WAYLAND_DISPLAY")
    if wayland and (Path(environ.get("XDG_RUNTIME_DIR", "/")) / wayland).exists():
        return True
    name = environ.get("DISPLAY", "")
    host, colon, rest = name.rpartition(":")
    number = rest.split(".")[0]
    if not colon or not number.isdigit():
        return False
    if host in ("", "unix"):
        path = _X_SOCKET.format(number)
        return _connects(path) or _connects("\0" + path)
    with contextlib.suppress(OSError), socket.create_connection((host, 6000 + int(number)), 2):
        return True
    return False


def _connects(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(2)
        return door.connect_ex(address) == 0


# --- which Python -----------------------------------------------------------------------


def parse_probe(answer: str) -> tuple[tuple[int, int], bool] | None:
    """Read a Python's answer to the probe: its version, and whether it has ensurepip."""
    words = answer.split()
    if len(words) != 2 or words[0].count(".") != 1:
        return None
    major, _, minor = words[0].partition(".")
    if not (major.isdigit() and minor.isdigit()):
        return None
    return (int(major), int(minor)), words[1] == "True"


def _probe(python: str) -> tuple[tuple[int, int], bool] | None:
    try:
        done = subprocess.run(
            [python, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_probe(done.stdout) if done.returncode == 0 else None


def _candidates() -> Iterator[str]:
    # Inside an environment, the interpreter behind it: the environment may be replaced.
    inside = sys.prefix != sys.base_prefix
    yield os.path.realpath(sys.executable) if inside else sys.executable
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        for folder in folders:
            path = os.path.join(folder, f"python3.{minor}")
            if os.access(path, os.X_OK):
                yield path


def choose_python(answers: Iterable[tuple[str, tuple[tuple[int, int], bool] | None]]) -> str | None:
    """Pick the Python to build the environment with.

    A supported one that can make environments is best, a supported one that
    cannot is next, and one newer than any tested is the last resort.
    """
    best: tuple[int, str] | None = None
    for python, answer in answers:
        if answer is None or answer[0] < OLDEST:
            continue
        version, can_make = answer
        score = (0 if version <= NEWEST else 2) + (0 if can_make else 1)
        if score == 0:
            return python
        if best is None or score < best[0]:
            best = (score, python)
    return best[1] if best else None


def find_python() -> str:
    """Return a Python that can make the environment, mending Debian's where allowed."""
    python = choose_python((path, _probe(path)) for path in _candidates())
    if python is None:
        raise Trouble(
            "Partwise needs Python 3.11 or newer; this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}.\n"
            "    On Debian or Ubuntu: " + install_line(["python3", "python3-venv"])
        )
    answer = _probe(python)
    if answer is None or answer[1]:
        return python
    packages = ["python{}.{}-venv".format(*answer[0])]
    if not apt_install(packages) and not apt_install(["python3-venv"]):
        raise Trouble(f"{python} cannot make environments; type:\n    {install_line(packages)}")
    return python


def reexecute_if_old() -> None:
    """Start again under a newer Python where this one is too old."""
    if sys.version_info[:2] >= OLDEST:
        return
    python = find_python()
    os.execv(python, [python, str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606


# --- the environment --------------------------------------------------------------------


def lock_key(lock: bytes) -> str:
    """Return the key of the locked set of packages."""
    return hashlib.sha256(lock).hexdigest()


def project_key(pyproject: str) -> str:
    """Return the key of what an editable install takes from pyproject.toml.

    The settings of linters and tests do not count: changing them installs nothing.
    """
    import tomllib  # not on the old Pythons that this file must still be able to refuse

    table = tomllib.loads(pyproject)
    parts = [table.get("build-system"), table.get("project"), table.get("tool", {}).get("hatch")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def venv_command(name: str) -> str:
    """Return the path of a command inside the environment."""
    if sys.platform == "win32":
        return str(VENV / "Scripts" / f"{name}.exe")
    return str(VENV / "bin" / name)


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment without what would let other packages in."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    return {**env, "PYTHONNOUSERSITE": "1", "PARTWISE_RESULTS": str(RESULTS), **(extra or {})}


def call(command: Sequence[str], extra: Mapping[str, str] | None = None) -> int:
    """Run a command from the top of the clone and return its exit code."""
    try:
        return subprocess.run(
            command, cwd=ROOT, env=child_environment(extra), check=False
        ).returncode
    except KeyboardInterrupt:
        return 130


def _pip(*arguments: str) -> None:
    quiet = ["-qq", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
    command = [venv_command("python"), "-m", "pip", "install", *quiet, *arguments]
    if call(command):
        raise Trouble(
            "the packages could not be installed; pip's own words are above.\n"
            "    Is the network reachable? The same command again continues."
        )


def read_stamp() -> dict[str, str] | None:
    """Return what the environment was made from, or None where it is not whole."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(stamp, dict) and stamp.get("prefix") == str(VENV)
    return stamp if usable and _probe(venv_command("python")) else None


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    # Two terminals may set up at once; the lock file itself is the lock.
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with LOCK.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def setup(*, xvfb: bool = True) -> None:
    """Make or renew ``.venv`` from the lock; do nothing where it is up to date."""
    ensure_libraries(xvfb=xvfb)
    with _one_at_a_time():
        wanted = {
            "prefix": str(VENV),
            "lock": lock_key(LOCK.read_bytes()),
            "project": project_key((ROOT / "pyproject.toml").read_text("utf-8")),
        }
        found = read_stamp()
        if found == wanted:
            return
        # Without its stamp the environment counts as half made, and is made anew.
        STAMP.unlink(missing_ok=True)
        if found is None:
            python = find_python()
            say(f"making the environment .venv with {python}")
            if VENV.exists():
                shutil.rmtree(VENV)
            if call([python, "-m", "venv", str(VENV)]):
                raise Trouble("the environment could not be made; Python's own words are above")
        if found is None or found.get("lock") != wanted["lock"]:
            say("installing the locked packages (about a minute the first time)")
            _pip("--require-hashes", "--no-deps", "-r", str(LOCK))
        say("installing Partwise itself")
        _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        STAMP.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")
    say("compiling the inner loops, once")
    # What fails here fails again, with words, where it is needed.
    call([venv_command("python"), "-m", "partwise.jobs.warm"])
    say("the environment is ready")


# --- the verbs --------------------------------------------------------------------------


def run(files: Sequence[str]) -> int:
    """Open the window; without a display do the same work and leave it in ``results/``."""
    setup(xvfb=False)
    paths = [str(Path(file).resolve()) for file in files]
    if display_answers(os.environ) and not (sys.platform == "linux" and missing(WINDOW)):
        return call([venv_command("partwise"), "gui", *(paths or ["--demo"])])
    say("no display here: doing the same work without a window")
    headless = {"QT_QPA_PLATFORM": "offscreen"}
    partwise, project = venv_command("partwise"), str(RESULTS / "project.partwise")
    if not paths:
        return call([partwise, "demo", "-o", str(RESULTS)], headless)
    code = call([partwise, "run", "stain", *paths, "-o", str(RESULTS), "--save", project])
    if code == 0:
        picture = ["--screenshot", str(RESULTS / "window.png"), "--size", "1280x800"]
        window = [venv_command("python"), "-m", "partwise_app.main"]
        code = call([*window, *picture, project], headless)
        say(f"results: {RESULTS}")
    return code


def check() -> int:
    """Look over the code: lint, format, types, imports, spelling."""
    setup(xvfb=False)
    looks = [
        ("lint", ["ruff", "check", "--quiet"]),
        ("format", ["ruff", "format", "--check", "--quiet"]),
        ("types", ["mypy", "--no-error-summary"]),
        ("imports", ["lint-imports", "--no-logo"]),
        ("spelling", ["codespell"]),
    ]
    failed = []
    for name, (tool, *arguments) in looks:
        done = subprocess.run(
            [venv_command(tool), *arguments],
            cwd=ROOT,
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        say(f"check {name}: {'ok' if done.returncode == 0 else 'FAILED'}")
        if done.returncode:
            failed.append(name)
            print((done.stdout + done.stderr).strip(), flush=True)
    return 1 if failed else 0


@contextlib.contextmanager
def virtual_displays(count: int) -> Iterator[list[str]]:
    """Yield the names of as many new displays, so that windows are real ones; or none.

    Each is an Xvfb on a free number; there is none where Xvfb is not there or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None or missing(WINDOW):
        yield []
        return
    with contextlib.ExitStack() as servers:
        yield [name for _ in range(count) if (name := servers.enter_context(_xvfb(program)))]


@contextlib.contextmanager
def _xvfb(program: str) -> Iterator[str]:
    """Yield the name of the display that a new Xvfb draws on; empty if it does not start."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        ready, _, _ = select.select([read], [], [], 20)
        number = os.read(read, 16).decode().strip() if ready else ""
        yield f":{number}" if number else ""
    finally:
        os.close(read)
        server.terminate()
        server.wait()


def test(arguments: Sequence[str]) -> int:
    """Check the code, then run the tests; pytest has the last word."""
    setup()
    looked = check()
    command = [venv_command("python"), "-m", "pytest"]
    if display_answers(os.environ):
        # One display has one active window, so the tests go one after another.
        tested = call([*command, *arguments])
    else:
        workers = min(os.cpu_count() or 1, MOST_WORKERS)
        with virtual_displays(workers) as displays:
            variables = {"QT_QPA_PLATFORM": "offscreen"}
            if len(displays) == workers:
                variables = {"QT_QPA_PLATFORM": "xcb", "DISPLAY": displays[0]}
                variables["PARTWISE_TEST_DISPLAYS"] = " ".join(displays)
            spread = ["-n", str(workers), "--dist", "loadfile"]
            tested = call([*command, *spread, *arguments], variables)
    if looked and not tested:
        say("the tests pass, but a check above failed")
    return tested or looked


def bench(name: str, arguments: Sequence[str]) -> int:
    """Run one measurement of tests/bench, or list them."""
    known = sorted(p.stem for p in (ROOT / "tests" / "bench").glob("[!_]*.py"))
    if name not in known:
        raise Trouble(f"there is no bench {name!r}; there are: {', '.join(known) or 'none'}")
    setup(xvfb=False)
    return call([venv_command("python"), str(ROOT / "tests" / "bench" / f"{name}.py"), *arguments])


def freeze(arguments: Sequence[str]) -> int:
    """Pack the program for people who have no Python: a folder and, on Debian, a package."""
    setup(xvfb=False)
    binutils = ["binutils"]  # PyInstaller reads with objdump which libraries a library needs
    if sys.platform.startswith("linux") and not (shutil.which("objdump") or apt_install(binutils)):
        raise Trouble("objdump is missing; to install it, type:\n    " + install_line(binutils))
    return call([venv_command("python"), str(ROOT / "packaging" / "freeze.py"), *arguments])


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the verb from the command line and do it."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("setup", help="make .venv from the lock")
    one = verbs.add_parser("run", help="open Partwise on its sample, or on FILES")
    one.add_argument("files", nargs="*", metavar="FILE")
    verbs.add_parser("test", help="check, then run the tests; more arguments go to pytest")
    verbs.add_parser("check", help="lint, format, types, imports, spelling")
    one = verbs.add_parser("bench", help="run a measurement of tests/bench")
    one.add_argument("name", metavar="NAME", nargs="?", default="")
    verbs.add_parser("freeze", help="pack the program: dist/partwise and, on Debian, a .deb")
    asked, rest = parser.parse_known_args(arguments)
    if rest and asked.verb not in ("test", "bench", "freeze"):
        parser.error("unknown: " + shlex.join(rest))
    if asked.verb == "run":
        return run(asked.files)
    if asked.verb == "test":
        return test(rest)
    if asked.verb == "check":
        return check()
    if asked.verb == "bench":
        return bench(asked.name, rest)
    if asked.verb == "freeze":
        return freeze(rest)
    setup()
    return 0


def _stop(code: int) -> NoReturn:
    raise SystemExit(code)


if __name__ == "__main__":
    try:
        reexecute_if_old()
        _stop(main())
    except Trouble as trouble:
        print(f"partwise: {trouble}", file=sys.stderr)
        _stop(1)
    except KeyboardInterrupt:
        _stop(130)
