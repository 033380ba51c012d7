"""This machine as the deployment test needs it: tools in virtual environments, and ministack, which
plays AWS."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENVS = ROOT / "target" / "venv"
REGION = "us-east-1"

UV = "uv==0.13.9"
# ministack's other services open ports of their own, some on every interface.
SERVICES = (
    "acm,apigateway,backup,cloudformation,cloudwatch,dynamodb,events,iam,kms,lambda,logs,route53,s3,"
    "ses,sns,sqs,sts"
)


class Failed(Exception):
    """Something that ends the run, told in one line."""


def program(main: Callable[[], int]) -> NoReturn:
    """Runs `main` and exits with its code: 1 after a failure, which it prints, and 130 after
    Ctrl-C."""
    # So that a terminated run unwinds, and stops what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except Failed as failure:
        say(str(failure))
        sys.exit(1)
    except FileNotFoundError as missing:
        say(f"cannot find `{missing.filename}`: {missing.strerror}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def say(text: str) -> None:
    print(f"{Path(sys.argv[0]).stem}: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    say(f"{what} ({time.monotonic() - started:.1f} s)")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of a file, so that of two runs at once one installs and the other waits for
    it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(name: str, requirements: Path) -> Path:
    """Returns the programs of a virtual environment that holds exactly these requirements. It is
    recreated if they changed."""
    venv = VENVS / name
    stamp = venv / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    VENVS.mkdir(parents=True, exist_ok=True)
    with locked(VENVS / f"{name}.lock"):
        if not (stamp.exists() and stamp.read_text() == wanted):
            with timed(f"installed {requirements.name}"):
                shutil.rmtree(venv, ignore_errors=True)
                subprocess.run([sys.executable, "-m", "venv", venv], check=True)
                install(venv / "bin" / "python", requirements)
                stamp.write_text(wanted)
    return venv / "bin"


def install(python: Path, requirements: Path) -> None:
    """Installs with uv, which takes a tenth of the time of pip; with pip if uv cannot, e.g. because
    pip alone knows the machine's package index."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    subprocess.run([*pip, UV], check=True)
    if subprocess.run([*uv, "--requirement", requirements], check=False).returncode:
        subprocess.run([*pip, "--requirement", requirements], check=True)


def tools() -> Path:
    return environment("tools", HERE / "requirements.txt")


def checkov() -> Path:
    return environment("checkov", HERE / "requirements-checkov.txt")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_aws() -> dict[str, str]:
    """This process's environment less all that could lead a tool to a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def dummy_aws(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "KITH_ENDPOINT": endpoint,
    }


@contextlib.contextmanager
def engine(scratch: Path) -> Iterator[str]:
    """Runs ministack on a free loopback port for as long as the block lasts, its state in
    `scratch`; yields its URL."""
    port = free_port()
    log = scratch / "ministack.log"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "SERVICES": SERVICES,
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "LOG_LEVEL": "WARNING",
    }
    programs = environment("engine", HERE / "requirements-engine.txt")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs / "ministack"],
            # The functions inherit it, and on Lambda they find nothing of a developer's settings.
            env={"PATH": os.environ["PATH"], "HOME": str(scratch)} | settings,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(endpoint + "/_ministack/health", process, log)
        yield endpoint
    finally:
        stop(process)


def wait_for(url: str, process: subprocess.Popen, log: Path, seconds: int = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=2).close()
            return
        time.sleep(0.1)
    raise Failed("the engine did not start:\n" + log.read_text(errors="replace")[-2000:])


def stop(process: subprocess.Popen) -> None:
    """Ends a process, which first ends its children, the functions, and then whatever is left of
    the session that it leads."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
