"""A process that works on a run of a large generated company, to be killed or measured.

    python -m tests.accounts.import_worker RUN PEOPLE CHANNELS MEMBERS

It says each page it asks for, and at its end ``done`` with the kilobytes by which its memory grew at most.
"""

import resource
import sys

import django


def main(run: int, people: int, channels: int, members: int) -> None:
    django.setup()
    from accounts import importing
    from tests.accounts.directories import a_large, on_slacks_place

    company = a_large(people, channels, members)
    company.before = lambda name, cursor: print(name, cursor or 0, flush=True)
    with on_slacks_place(company):
        importing.work(0)
        before = _most()
        while importing.work(run):
            company.asked.clear()
        print("done", _most() - before, flush=True)


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
