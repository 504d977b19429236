"""Runs a command on a pseudo-terminal of its own and plays a script of steps.

Reads JSON from standard input: {"argv": [...], "steps": [[expect, send], ...], "seconds": limit}. A step waits until
the terminal shows `expect` (after what the step before waited for) and then types `send`; {"signal": n} in place of a
text sends a signal to the command. With "raw" it types only while the terminal is in raw mode. Writes JSON: what the terminal showed, the exit status, for each step whether the
terminal was in raw mode then, and whether its settings at the end are those of the start.
"""

import fcntl
import json
import os
import pty
import select
import sys
import termios
import time


def start(argv, slave):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm"})
    return pid


class Screen:
    def __init__(self, master, deadline):
        self.master = master
        self.deadline = deadline
        self.text = b""

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.text += os.read(self.master, 65536)

    def wait_for(self, expected, start):
        while True:
            found = self.text.find(expected, start)
            if found >= 0:
                return found + len(expected)
            if time.monotonic() > self.deadline:
                raise TimeoutError(f"waited for {expected!r} in vain")
            self.read(0.1)


def is_raw(terminal):
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def play(job):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    pid = start(job["argv"], slave)
    screen = Screen(master, time.monotonic() + job["seconds"])
    raw, at, error, status = [], 0, None, None
    try:
        for expected, send in job["steps"]:
            at = screen.wait_for(expected.encode(), at)
            while job.get("raw") and not is_raw(slave) and time.monotonic() < screen.deadline:
                time.sleep(0.01)
            raw.append(is_raw(slave))
            if isinstance(send, dict):
                os.kill(pid, send["signal"])
            else:
                os.write(master, send.encode())
        while status is None:
            if time.monotonic() > screen.deadline:
                raise TimeoutError("the command did not end")
            screen.read(0.05)
            ended, code = os.waitpid(pid, os.WNOHANG)
            if ended:
                status = os.waitstatus_to_exitcode(code)
        screen.read(0.1)
    except TimeoutError as timeout:
        error = str(timeout)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    restored = termios.tcgetattr(slave) == before
    text = screen.text.decode("latin1")
    return {"text": text, "status": status, "raw": raw, "restored": restored, "error": error}


json.dump(play(json.load(sys.stdin)), sys.stdout)
