# SPDX-License-Identifier: Apache-2.0
"""
Docker worker nodes for Kubernetes, set up by node-setup.

.. code-block:: yaml

    worker:
      docker_node.present:
        - settings:
            docker.archive: /root/docker-28.5.2.tgz

What is not said in ``settings`` is taken from the node's own configuration in ``/etc/node-setup``.
"""


def __virtual__():
    return "docker_node"


def present(name, settings=None, wait=False):
    """
    Docker is installed, configured and running, and the node's checks pass.

    name
        Any name.

    settings
        Settings by their keys, as ``docs/configuration.md`` of node-setup lists them. They win over the node's files.

    wait
        Whether to wait while another run holds the lock on the node, instead of failing.
    """
    return _state(name, settings=settings, wait=wait)


def absent(name, settings=None, purge=False, force=False, wait=False):
    """
    Everything that node-setup has put on the node is taken away, and what was there before is put back.

    name
        Any name.

    settings
        See ``present``.

    purge
        Whether docker's data are taken away too.

    force
        Whether to undo also what somebody else has changed since.

    wait
        See ``present``.
    """
    return _state(name, remove=True, settings=settings, purge=purge, force=force, wait=wait)


def _state(name, **how):
    test = __opts__["test"]
    if test and not __salt__["cmd.which"]("node-setup"):
        comment = "node-setup is not on this node yet; what it would change is not known"
        return {"name": name, "changes": {}, "result": None, "comment": comment}
    report = __salt__["docker_node.run"](test=test, **how)
    pending = report["outcome"] == "planned"
    ret = {"name": name, "changes": {}, "result": True, "comment": _summary(report)}
    if pending or report["changed"]:
        ret["changes"] = {
            "{} {}".format(change["kind"], change["on"]): _change(change) for change in report["changes"]
        }
    if report["rc"] != 0:
        ret["result"] = False
        ret["comment"] = _complaint(report)
    elif pending:
        ret["result"] = None
    left = _left(report)
    if left:
        ret["warnings"] = left
    return ret


def _change(change):
    if change.get("diff"):
        return {"diff": change["diff"]}
    return {"old": change["from"], "new": change["to"]}


def _summary(report):
    count = len(report["changes"])
    said = {
        "planned": "{} changes pending, none made".format(count),
        "changed": "{} changes made".format(count),
    }
    return "\n".join([said.get(report["outcome"], "nothing to do")] + report.get("notes", []))


def _with_remedy(what, remedy):
    return "{} -> {}".format(what, remedy) if remedy else what


def _complaint(report):
    """
    Why the run is a failure: the error with its help, or the checks that failed.
    """
    error = report.get("error")
    if not error:
        return "\n".join(
            _with_remedy("{}: {}".format(check["id"], check["detail"]), check.get("remedy"))
            for check in report["checks"]
            if check["status"] in ("fail", "unknown")
        )
    refusals = [
        _with_remedy("{}: {}".format(refusal["id"], refusal["found"]), refusal["remedy"])
        for refusal in error.get("refusals", [])
    ]
    said = [error["message"]] + ([] if refusals else error["causes"])
    lines = [_with_remedy(": ".join(said), error.get("help"))] + refusals
    lines.extend("| " + line for line in error.get("log", []))
    if report["outcome"] == "restored":
        lines.append("the node is as it was before")
    return "\n".join(lines)


def _left(report):
    return ["{} {} stays: {}".format(one["kind"], one["on"], one["why"]) for one in report.get("left", [])]
