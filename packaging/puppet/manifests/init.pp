# A docker worker node for Kubernetes: node-setup from its repository, its settings, and a run of it.
#
# @param ensure   `absent` takes away everything that node-setup has put on the node.
# @param settings Settings by their keys, as docs/configuration.md of node-setup lists them. They are kept on the node,
#   so that a run by hand has them too.
# @param package  The package to install; '' where node-setup is there already.
# @param purge    With `absent`: whether docker's data are taken away too.
# @param force    With `absent`: whether to undo also what somebody else has changed since.
class node_setup (
  Enum['present', 'absent'] $ensure = 'present',
  Hash[String, Data] $settings = {},
  String $package = 'node-setup',
  Boolean $purge = false,
  Boolean $force = false,
) {
  if $package != '' {
    package { $package:
      ensure => installed,
      before => File['/etc/node-setup'],
    }
  }

  file { ['/etc/node-setup', '/etc/node-setup/config.d']:
    ensure => directory,
  }

  file { '/etc/node-setup/config.d/50-puppet.toml':
    content      => node_setup::toml($settings),
    mode         => '0600',
    validate_cmd => '/usr/bin/env node-setup config check %',
    before       => Docker_node['worker'],
  }

  docker_node { 'worker':
    ensure   => $ensure,
    settings => $settings,
    purge    => $purge,
    force    => $force,
  }
}
