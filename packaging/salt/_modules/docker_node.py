# SPDX-License-Identifier: Apache-2.0
"""
Runs node-setup, and reads its JSON report.
"""

import json

import salt.utils.path



def __virtual__():
    return "docker_node"


def run(remove=False, test=False, settings=None, purge=False, force=False, wait=False):
    """
    Runs ``node-setup docker``, or ``node-setup docker remove``; with ``test`` it is only planned. Returns the report, with
    the exit code as ``rc``.

    CLI Example:

    .. code-block:: bash

        salt '*' docker_node.run test=True
    """
    program = salt.utils.path.which("node-setup")
    if not program:
        return _failed("node-setup is not on this node", "install it: pkg.installed node-setup")
    line = [program, "docker"]
    if remove:
        line.append("remove")
        line.extend(flag for flag, wanted in (("--purge", purge), ("--force", force)) if wanted)
    line.extend(flag for flag, wanted in (("--dry-run", test), ("--wait", wait)) if wanted)
    ran = __salt__["cmd.run_all"](
        line + ["--output", "json"],
        python_shell=False,
        env=_variables(settings or {}),
        ignore_retcode=True,
        output_loglevel="quiet",
    )
    try:
        report = json.loads(ran["stdout"])
    except ValueError:
        return _failed(ran["stderr"].strip() or "{} wrote no report".format(program), None, ran["retcode"])
    report["rc"] = ran["retcode"]
    return report


def toml(settings):
    """
    The settings as the text of a configuration file.

    CLI Example:

    .. code-block:: bash

        salt '*' docker_node.toml "{'docker.archive': '/root/docker-28.5.2.tgz'}"
    """
    lines = ["# Kept by Salt."]
    lines.extend("{} = {}".format(key, _toml(value)) for key, value in settings.items())
    return "\n".join(lines) + "\n"


def _toml(value):
    if isinstance(value, dict):
        pairs = ("{} = {}".format(json.dumps(key), _toml(one)) for key, one in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)


def _variables(settings):
    """
    The settings as the variables that node-setup reads them from.
    """
    return {
        "NODE_SETUP_" + key.upper().replace(".", "_").replace("-", "_"): _in_words(value)
        for key, value in settings.items()
    }


def _in_words(value):
    """
    A setting as a variable has it: text as it is, a list with commas, anything else as JSON.
    """
    if isinstance(value, list):
        return ",".join(_in_words(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value)


def _failed(message, remedy, code=1):
    error = {"message": message, "causes": [], "help": remedy}
    return {"outcome": "failed", "changed": False, "changes": [], "checks": [], "error": error, "rc": code}
