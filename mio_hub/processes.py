"""What the operating system is told about a process that we start. Everything here runs between fork and exec."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

LINUX = sys.platform == "linux"
LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534
"""The uid and gid that every Linux keeps for a process without rights."""


def die_with_parent(death: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for a signal when the parent is gone, even killed. Elsewhere than on Linux nobody offers that."""
    if LINUX:
        LIBC.prctl(PR_SET_PDEATHSIG, death)


def bound_to(
    parent: int, death: signal.Signals = signal.SIGKILL, first: Callable[[], None] | None = None
) -> Callable[[], None]:
    """A `preexec_fn`: run `first`, then die with `parent`. In this order, for a change of user cancels the promise."""

    def prepare() -> None:
        if first:
            first()
        die_with_parent(death)
        if os.getppid() != parent:  # it went before the kernel knew of us
            os._exit(1)

    return prepare


def enter_user_namespace() -> None:
    """Be uid 1000 in one's own eyes and stay oneself for the file system: no user to create, no file to hand over."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
