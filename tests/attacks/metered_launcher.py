"""Starts the real launcher as its only child, and writes the largest resident set that this one had to a file.

Only a process that was forked by a small one can be measured: what posix_spawn starts inherits the figure of who
started it.  Environment: ARGOSY_TEST_LAUNCHER, the launcher; ARGOSY_TEST_MEMORY, the file.
"""

import os
import sys

child = os.fork()
if not child:
    os.execv(sys.executable, [sys.executable, "-I", "-S", os.environ["ARGOSY_TEST_LAUNCHER"], *sys.argv[1:]])
os.close(0)
os.close(1)
_, status, usage = os.wait4(child, 0)
with open(os.environ["ARGOSY_TEST_MEMORY"], "w", encoding="ascii") as file:
    file.write(str(usage.ru_maxrss))
os._exit(os.waitstatus_to_exitcode(status))
