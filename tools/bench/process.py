"""The operator as a process, and what it and the bed take: all from /proc."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from folder import Folder

TICKS = os.sysconf("SC_CLK_TCK")
# Seconds that an operator has to end by itself, as Kubernetes gives a Pod.
GRACE = 60


class Process:
    """An operator with all that it starts, which is one session of processes."""

    def __init__(self, folder: Folder, log: Path, scratch: Path) -> None:
        self._log = log
        environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "TMPDIR": str(scratch)} | folder.environment
        with log.open("a") as output:
            self._child = subprocess.Popen(
                folder.command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def check(self) -> None:
        """Ends the program when the operator has ended by itself."""
        if self._child.poll() is not None:
            raise RuntimeError(f"the operator ended with {self._child.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    def end(self) -> None:
        """SIGTERM to all of it, and SIGKILL to what is left after the grace."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(GRACE)
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        self._child.wait()

    def memory(self) -> dict[str, float]:
        """MiB: resident now, and the most ever of each process, in sum."""
        return {"resident": self._mib("VmRSS:"), "most": self._mib("VmHWM:")}

    def cpu(self) -> float:
        """Seconds of processor time so far, of children that ended too."""
        return sum(cpu_of(pid) for pid in self._pids())

    def _mib(self, name: str) -> float:
        lines = (line for pid in self._pids() for line in _read(pid, "status").splitlines() if line.startswith(name))
        return sum(int(line.split()[1]) for line in lines) / 1024

    def _pids(self) -> list[int]:
        return [pid for pid in _all() if (fields := _stat(pid)) and int(fields[3]) == self._child.pid and fields[0] != "Z"]


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and of its children that ended."""
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / TICKS


def bed_cpu() -> dict[str, float]:
    """Seconds of processor time of what is no operator, by program: a busy bed measures itself."""
    names = {"kube-apiserver": "API server", "acivnet-simulat": "simulator", "etcd": "etcd"}
    found = {names[name]: cpu_of(pid) for pid in _all() if (name := _read(pid, "comm").strip()) in names}
    return found | {"harness": sum(os.times()[:2])}


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields after the name; none when the process has ended."""
    return _read(pid, "stat").rpartition(") ")[2].split()


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""

