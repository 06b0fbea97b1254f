"""Puts the program into the wheel, as a script of the environment, and says which machines it runs on."""

import os
import re
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The glibc of the first systems that have a libstdc++ with this symbol version, as auditwheel's policies pair them.
LIBSTDCXX = ((24, 28), (28, 31), (29, 34), (30, 35), (32, 38), (33, 39))


class Program(BuildHookInterface):
    def initialize(self, version, build_data):
        program = os.environ.get("DSQL_PROGRAM") or os.path.join(self.root, "..", "bin", "dsql")
        if not os.path.exists(program):
            raise FileNotFoundError(f"{program}: build it first (make build), or name it in DSQL_PROGRAM")
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + (os.environ.get("DSQL_WHEEL_PLATFORM") or platform(program))
        build_data["shared_scripts"][program] = "dsql"


def platform(program):
    """The platform tag: on Linux by what the program asks of glibc and libstdc++."""
    name = re.sub(r"[-.]", "_", sysconfig.get_platform())
    if not name.startswith("linux_"):
        return name
    with open(program, "rb") as f:
        text = f.read()
    minor = max(map(int, re.findall(rb"\0GLIBC_2\.(\d+)(?=[\0.])", text)), default=17)
    newest = max(map(int, re.findall(rb"\0GLIBCXX_3\.4\.(\d+)(?=\0)", text)), default=0)
    for symbols, glibc in LIBSTDCXX:
        if newest <= symbols:
            return f"manylinux_2_{max(minor, glibc if newest else minor)}_{name.removeprefix('linux_')}"
    return name  # too new for any name: only this machine
