"""How an installed Argosy starts: with `python3 -IS` of this file, by the shell script that the wheel brings.

The interpreter then knows its own library only; this adds the directory in which Argosy was installed, and outside of a
virtual environment the ones where a distribution keeps what Argosy needs.
"""

import os
import sys

launcher = os.path.abspath(__file__)
version_name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
sys.path.append(os.path.dirname(os.path.dirname(launcher)))
if sys.prefix == sys.base_prefix:
    sys.path += [f"/usr/local/lib/{version_name}/dist-packages", "/usr/lib/python3/dist-packages"]

from argosy import bundle, version  # noqa: E402 -- the path comes first

bundle.use(os.path.dirname(os.path.dirname(launcher)))
version.LAUNCHER = launcher
if sys.argv[1:2] == ["__libraries"]:  # see `linux.process.self_argv`
    version.LIBRARIES = sys.argv[2]
    sys.path += version.LIBRARIES.split(os.pathsep)
    del sys.argv[1:3]

from argosy.__main__ import main  # noqa: E402

main([os.environ.pop("ARGOSY_CALLED_AS", "argosy"), *sys.argv[1:]])
