"""Sets up the environment of this checkout from the lock: `python3 .ci/install.py run|dev|docs|node`.

`make` calls it. It installs the packages of `requirements/*.txt`, with their hashes, into `.venv`, and marks each
complete part in `.stamps`. It runs under any Python 3 and imports only the standard library, so that an old Python
gives an error of one line. One set-up runs at a time; an interrupted one continues.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BATCH = 16
"""Packages that are fetched and installed at once."""
STAMPS = os.path.join(ROOT, ".stamps")
LOCK = os.path.join(ROOT, "requirements")
WEB = os.path.join(ROOT, "clients", "web")
OLDEST = (3, 11)
FREE_MB = {"run": 3500, "dev": 1500, "docs": 200, "node": 300, "npm": 400}
"""Disk space that a part needs at most, torch's CPU build included (measured: 2,300 MB for both)."""
WORDS = {
    "run": "Antiphon",
    "dev": "what the tests need",
    "docs": "what the documentation needs",
    "node": "Node",
    "npm": "the web client's packages",
}


class SetUpFailed(Exception):
    """An error of one line: the problem and its solution."""


def main(parts):
    """Make `parts` (of WORDS) whole, in that order."""
    if sys.version_info < OLDEST:
        raise SetUpFailed(
            "Python %d.%d or newer is needed; this is %s. Name another: make PYTHON=python3.12"
            % (OLDEST[0], OLDEST[1], platform.python_version())
        )
    with alone():
        make_venv()
        for part in parts:
            install(part)


@contextlib.contextmanager
def alone():
    """One set-up of a checkout at a time; the next one waits."""
    os.makedirs(STAMPS, exist_ok=True)
    with open(os.path.join(STAMPS, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up of this checkout is under way; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_venv():
    """`.venv` of this Python, made anew when another one made it or when it is not whole."""
    stamp = os.path.join(STAMPS, "venv")
    made_by = "%s %s" % (platform.python_version(), sys.base_prefix)
    if read(stamp) == made_by and os.access(venv_python(), os.X_OK):
        return
    for part in WORDS:
        remove(os.path.join(STAMPS, part))
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", VENV], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SetUpFailed(
            "Python cannot make %s (%s). On Debian: apt-get install python3-venv"
            % (VENV, last_line(done.stderr))
        )
    write(stamp, made_by)


def install(part):
    stamp = os.path.join(STAMPS, part)
    wanted = digest(part)
    if read(stamp) == wanted:
        return
    remove(stamp)  # from here on it is not whole
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < FREE_MB[part]:
        raise SetUpFailed("%s needs %d MB of free disk space; %s has %d" % (part, FREE_MB[part], ROOT, free))
    print("Installing %s into .venv" % WORDS[part], flush=True)
    if part == "npm":
        npm()
    for arguments in steps(part):
        pip(arguments)
    write(stamp, wanted)


def steps(part):
    """The pip commands of a part. Torch comes after the packages that it shares with the lock, so that their versions
    do not change."""
    if part == "npm":
        return
    # Two packages of TensorRT-RTX are metadata only and come as sources; their build tools are in the lock.
    for batch in batches(part):
        yield ["--require-hashes", "--no-deps", "--no-build-isolation", "-r", batch]
    if part == "run":
        torch = os.environ.get("TORCH")
        yield [torch] if torch else ["-r", os.path.join(LOCK, "torch.txt")]
        yield ["--no-deps", "--no-build-isolation", "--editable", ROOT]


def batches(part):
    """The lock in pieces: pip installs a piece only after it has fetched all of it, and installed pieces stay."""
    with open(lock_file(part)) as file:
        entries = re.split(r"^(?=[A-Za-z0-9])", file.read(), flags=re.MULTILINE)[1:]
    for start in range(0, len(entries), BATCH):
        path = os.path.join(STAMPS, "batch.txt")
        write(path, "".join(entries[start : start + BATCH]))
        yield path


def pip(arguments):
    """Run `pip install`; a registry that answers nothing is asked once more a little later."""
    command = [
        venv_python(),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--progress-bar",
        "off",
    ]
    for again in (False, True):
        done = subprocess.run(command + arguments, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            return
        problem, worth_trying = explain(done.stderr)
        if again or not worth_trying:
            raise SetUpFailed(problem)
        print("%s. Once more in 20 seconds" % problem, file=sys.stderr, flush=True)
        time.sleep(float(os.environ.get("SETUP_PAUSE", "20")))


def npm():
    """Run `npm ci` with the Node on PATH where that is new enough, else with the one of requirements/node.txt."""
    folder = node_folder()
    if folder is None:
        install("node")
        folder = node_folder()
    path = folder + os.pathsep + os.environ["PATH"]
    command = [os.path.join(folder, "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = dict(os.environ, PATH=path)
    done = subprocess.run(command, cwd=WEB, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SetUpFailed(explain_npm(done.stderr))


def node_folder():
    """The output of `clients/web/node_path.py`; None when there is no Node yet."""
    command = [venv_python(), os.path.join(WEB, "node_path.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def explain_npm(output):
    """One line of npm's output."""
    if "ENOSPC" in output:
        return "The disk is full: nothing is taken for whole, and the next try goes on from here"
    if "EINTEGRITY" in output:
        return "The npm registry gave another file than clients/web/package-lock.json names"
    if re.search(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET", output):
        return "The npm registry cannot be reached; run the same command again, and it goes on from here"
    return "npm failed: %s" % last_line(output)


def explain(output):
    """(one line of pip's output, whether a retry may help)."""
    if "DO NOT MATCH THE HASHES" in output:
        found = re.findall(r"^\s+(\S+==\S+)", output, re.MULTILINE)
        names = ", ".join(sorted(set(found))) or "a package"
        return (
            "The package index gave another file for %s than the lock names; nothing of it was installed"
            % names,
            False,
        )
    if "No space left on device" in output or "[Errno 28]" in output:
        return "The disk is full: nothing is taken for whole, and the next try goes on from here", False
    lost = r"Connection|Network is unreachable|name resolution|Max retries|timed out|ReadTimeout|ProxyError|SSLError"
    if re.search(lost, output):
        return (
            "The package index cannot be reached; run the same command again, and it goes on from here",
            True,
        )
    return "pip failed: %s" % last_line(output), True


def digest(part):
    """The inputs of a part: the lock, the metadata of this package, and torch."""
    files = [os.path.join(WEB, "package-lock.json") if part == "npm" else lock_file(part)]
    if part == "run":
        files += [os.path.join(LOCK, "torch.txt"), os.path.join(ROOT, "pyproject.toml")]
    total = hashlib.sha256(os.environ.get("TORCH", "").encode())
    for path in files:
        with open(path, "rb") as file:
            total.update(file.read())
    return total.hexdigest()


def lock_file(part):
    return os.path.join(LOCK, part + ".txt")


def venv_python():
    return os.path.join(VENV, "bin", "python")


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip() and "[notice]" not in line]
    errors = [line for line in lines if line.startswith(("ERROR", "npm error"))]
    return (errors or lines or ["it gave no reason"])[-1]


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def write(path, text):
    """Whole or not at all."""
    with open(path + ".draft", "w") as file:
        file.write(text)
    os.replace(path + ".draft", path)


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetUpFailed as error:
        sys.exit("Set-up failed. %s" % error)
    except OSError as error:
        sys.exit("Set-up failed. %s: %s" % (error.filename or ROOT, error.strerror))
    except KeyboardInterrupt:
        sys.exit(130)
