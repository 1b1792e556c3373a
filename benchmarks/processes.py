"""Child processes with their time and memory; and a description of this machine."""
import os
import pathlib
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run_child(command, limit):
    """Runs it to its end, or at most `limit` seconds. Returns its output, wall-clock seconds and peak
    memory (of the largest process, in MB). Raises RuntimeError with the last line of its output."""
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started_at = time.time()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                 env=environment, start_new_session=True)
        timer = threading.Timer(limit, kill_group, (child.pid,))
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            timer.cancel()
            kill_group(child.pid)  # processes left by an interruption or a dead child
        seconds = time.time() - started_at
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text, error_text = output.read(), errors.read()
    if child.returncode != 0:
        last = (error_text.strip() or text.strip() or "no output").splitlines()[-1]
        if child.returncode == -signal.SIGKILL and seconds >= limit:
            last = f"did not end within {limit:g} s"
        raise RuntimeError(f"{last}: exit code {child.returncode} from: {shlex.join(command)}")
    return {"output": text, "started_at": started_at, "seconds": seconds,
            "memory_mb": usage.ru_maxrss / 1024}


def kill_group(leader):
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def cpu_name():
    try:
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True,
                               env=dict(os.environ, LC_ALL="C")).stdout.splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return fields["Model name"].strip()
    except (OSError, KeyError, subprocess.CalledProcessError):
        return platform.processor() or platform.machine()


def gpu_name():
    try:
        asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        return subprocess.run(asked, capture_output=True, text=True,
                              check=True).stdout.splitlines()[0].replace(", ", " with driver ")
    except (OSError, IndexError, subprocess.CalledProcessError):
        return "unknown GPU"


def d2l_version():
    packaged = ROOT / "share" / "d2l" / "version.txt"
    if packaged.exists():
        return packaged.read_text().strip()
    try:
        return subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                              capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "of unknown version"


def note(line):
    print(line, file=sys.stderr, flush=True)
