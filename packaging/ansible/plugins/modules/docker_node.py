#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Runs node-setup on the node, and tells Ansible what its JSON report says."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: docker_node
short_description: Makes a machine a docker worker node for Kubernetes
version_added: "0.1.0"
description:
  - Runs C(node-setup docker) on the node, or C(node-setup docker remove), and reads its JSON report.
  - node-setup must be on the node; the role P(node_setup.docker.worker#role) installs it.
  - What is not said here is taken from the node's own configuration in C(/etc/node-setup).
author:
  - node-setup maintainers (@node-setup)
requirements:
  - node-setup on the node
options:
  state:
    description:
      - With V(present), docker is installed, configured and running, and the node's checks pass.
      - With V(absent), everything that node-setup has put on the node is taken away, and what was there
        before is put back.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description:
      - Settings by their keys, as C(docs/configuration.md) of node-setup lists them, such as C(docker.archive).
      - They win over the configuration files on the node.
    type: dict
    default: {}
  config:
    description: A configuration file on the node, read in place of those in C(/etc/node-setup).
    type: path
  wait:
    description: Whether to wait while another run holds the lock on the node, instead of failing.
    type: bool
    default: false
  purge:
    description: With O(state=absent), whether docker's data are taken away too.
    type: bool
    default: false
  force:
    description: With O(state=absent), whether to undo also what somebody else has changed since.
    type: bool
    default: false
  executable:
    description: The program, by its path or its name.
    type: str
    default: node-setup
attributes:
  check_mode:
    support: full
    description: The plan is made, and nothing is changed.
  diff_mode:
    support: full
    description: The report's own differences are shown; of what is not text, the state before and after.
notes:
  - Must run as root.
"""

EXAMPLES = r"""
- name: A docker worker, from an archive that is on the node
  node_setup.docker.docker_node:
    settings:
      docker.archive: /root/docker-28.5.2.tgz
      docker.daemon:
        registry-mirrors: [https://mirror.example.com]
  become: true

- name: The node as it was before the first run, docker's data gone too
  node_setup.docker.docker_node:
    state: absent
    purge: true
  become: true
"""

RETURN = r"""
outcome:
  description: How node-setup ended.
  returned: when there is a report
  type: str
  sample: changed
changes:
  description: What was changed, or would be in check mode.
  returned: when there is a report
  type: list
  elements: dict
  sample:
    - "on": net.ipv4.ip_forward
      kind: sysctl
      from: "0"
      to: "1"
      diff: null
checks:
  description: What the checks found; none is made in check mode.
  returned: when there is a report
  type: list
  elements: dict
  sample:
    - id: forward-policy
      status: pass
      detail: ACCEPT
notes:
  description: What the user should know.
  returned: when there is a report
  type: list
  elements: str
left:
  description: What could not be, or was not, put back.
  returned: when there is a report
  type: list
  elements: dict
error:
  description: What went wrong, with what to do about it.
  returned: when node-setup failed
  type: dict
  sample:
    message: this node was not touched
    causes: []
    help: null
rc:
  description: The exit code of node-setup.
  returned: always
  type: int
"""

import json

from ansible.module_utils.basic import AnsibleModule

# Where the program may be, beside PATH.
DIRECTORIES = ['/usr/local/bin', '/usr/bin']


def command_line(program, params, check_mode):
    """The command, and the flags of it that were asked for."""
    line = [program, 'docker']
    if params['state'] == 'absent':
        line.append('remove')
        line.extend('--' + flag for flag in ('purge', 'force') if params[flag])
    if check_mode:
        line.append('--dry-run')
    if params['config'] is not None:
        line.extend(['--config', params['config']])
    if params['wait']:
        line.append('--wait')
    return line + ['--output', 'json']


def variables(settings):
    """The settings as the variables that node-setup reads them from."""
    return dict(
        ('NODE_SETUP_' + key.upper().replace('.', '_').replace('-', '_'), in_words(value))
        for key, value in settings.items()
    )


def in_words(value):
    """A setting as a variable has it: text as it is, a list with commas, anything else as JSON."""
    if isinstance(value, list):
        return ','.join(in_words(one) for one in value)
    if isinstance(value, (bool, dict, int)):
        return json.dumps(value)
    return str(value)


def difference(changes):
    """The changes as one text: a diff where there is one, else the state before and after."""
    parts = []
    for change in changes:
        if change.get('diff'):
            parts.append(change['diff'].rstrip('\n'))
        else:
            name = '%s %s' % (change['kind'], change['on'])
            parts.append('--- %s\n+++ %s\n-%s\n+%s' % (name, name, change['from'], change['to']))
    return '\n'.join(parts) + '\n' if parts else ''


def with_remedy(what, remedy):
    """A finding, followed by what to do about it where something is known."""
    return '%s -> %s' % (what, remedy) if remedy else what


def complaint(report):
    """Why the run is a failure, in one text: the error with its help, or the checks that failed."""
    error = report.get('error')
    if error:
        refusals = [
            with_remedy('%s: %s' % (refusal['id'], refusal['found']), refusal['remedy'])
            for refusal in error.get('refusals', [])
        ]
        said = [error['message']] + ([] if refusals else error['causes'])
        lines = [with_remedy(': '.join(said), error.get('help'))] + refusals
        lines.extend('| ' + line for line in error.get('log', []))
        if report['outcome'] == 'restored':
            lines.append('the node is as it was before')
    else:
        lines = [
            with_remedy('%s: %s' % (check['id'], check['detail']), check.get('remedy'))
            for check in report['checks'] if check['status'] in ('fail', 'unknown')
        ]
    lines.extend(remains(report))
    return '\n'.join(lines)


def remains(report):
    """What was not put back, each in one sentence."""
    return ['%s %s stays: %s' % (left['kind'], left['on'], left['why']) for left in report.get('left', [])]


def result(report, code, check_mode, diff_mode):
    """What Ansible is told."""
    told = dict((key, report[key]) for key in ('outcome', 'changes', 'checks', 'notes'))
    told['left'] = report.get('left', [])
    told['rc'] = code
    told['changed'] = report['outcome'] == 'planned' if check_mode else report['changed']
    if report.get('error'):
        told['error'] = report['error']
    if diff_mode and report['changes']:
        told['diff'] = {'prepared': difference(report['changes'])}
    return told


def main():
    """Runs the program once."""
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type='str', choices=['present', 'absent'], default='present'),
            settings=dict(type='dict', default={}),
            config=dict(type='path'),
            wait=dict(type='bool', default=False),
            purge=dict(type='bool', default=False),
            force=dict(type='bool', default=False),
            executable=dict(type='str', default='node-setup'),
        ),
        supports_check_mode=True,
    )
    program = module.get_bin_path(module.params['executable'], required=True, opt_dirs=DIRECTORIES)
    code, out, err = module.run_command(
        command_line(program, module.params, module.check_mode),
        environ_update=variables(module.params['settings']),
    )
    try:
        report = json.loads(out)
    except ValueError:
        module.fail_json(msg=err.strip() or '%s wrote no report' % program, rc=code, stdout=out)
    told = result(report, code, module.check_mode, module._diff)
    if code != 0:
        module.fail_json(msg=complaint(report), **told)
    for line in remains(report):
        module.warn(line)
    module.exit_json(**told)


if __name__ == '__main__':
    main()
