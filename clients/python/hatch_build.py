"""Puts the program into the wheel, so that pip installs it beside Python: TOWLINE_PROGRAM names it.

It was built by Cargo before. Without the variable the wheel is pure Python, and the program has to
be there already.
"""

import os
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WithProgram(BuildHookInterface):
    def initialize(self, version, build_data):
        program = os.environ.get("TOWLINE_PROGRAM")
        if program:
            build_data["shared_scripts"][os.path.abspath(program)] = os.path.basename(program)
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{os.environ.get('TOWLINE_PLATFORM', platform)}"
            build_data["pure_python"] = False
