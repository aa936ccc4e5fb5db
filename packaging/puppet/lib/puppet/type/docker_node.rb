# frozen_string_literal: true

require 'puppet/parameter/boolean'

Puppet::Type.newtype(:docker_node) do
  @doc = <<~DOC
    A docker worker node for Kubernetes, set up by node-setup. What is not said in `settings` is taken from the node's
    own configuration in /etc/node-setup.

        docker_node { 'worker':
          settings => { 'docker.archive' => '/root/docker-28.5.2.tgz' },
        }
  DOC

  newparam(:name, namevar: true) do
    desc 'Any name.'
  end

  newparam(:settings) do
    desc 'Settings by their keys. They win over the configuration files on the node.'
    defaultto({})

    validate do |value|
      raise ArgumentError, 'settings are a hash' unless value.is_a?(Hash)
    end
  end

  newparam(:wait, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc 'Whether to wait while another run holds the lock on the node, instead of failing.'
    defaultto false
  end

  newparam(:purge, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc "With `absent`: whether docker's data are taken away too."
    defaultto false
  end

  newparam(:force, boolean: true, parent: Puppet::Parameter::Boolean) do
    desc 'With `absent`: whether to undo also what somebody else has changed since.'
    defaultto false
  end

  newproperty(:ensure) do
    desc "`present`: docker is installed, configured and running, and the node's checks pass. `absent`: everything that
      node-setup has put on the node is taken away, and what was there before is put back."

    newvalue(:present)
    newvalue(:absent)
    defaultto :present

    # It is as it should be where node-setup would change nothing.
    def retrieve
      provider.pending(should).empty? ? should : :differing
    end

    def insync?(current)
      in_sync = current == should
      send_log(:notice, "\n#{provider.difference}") if !in_sync && Puppet[:show_diff]
      in_sync
    end

    def change_to_s(_current, _wanted)
      "changes: #{provider.changes.size}"
    end
  end

  autorequire(:package) { 'node-setup' }
end
