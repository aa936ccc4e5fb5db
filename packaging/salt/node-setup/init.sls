# A docker worker: node-setup from its repository, and the settings of pillar node-setup:settings, which are kept on the
# node so that a run by hand has them too.
{% set settings = salt['pillar.get']('node-setup:settings', {}) %}

{% if salt['pillar.get']('node-setup:package', True) %}
node-setup:
  pkg.installed:
    - require_in:
      - file: /etc/node-setup/config.d/50-salt.toml
{% endif %}

/etc/node-setup/config.d/50-salt.toml:
  file.managed:
    - contents: {{ salt['docker_node.toml'](settings) | json }}
    - mode: "0600"
    - makedirs: True
    - check_cmd: node-setup config check

worker:
  docker_node.present:
    - settings: {{ settings | json }}
    - require:
      - file: /etc/node-setup/config.d/50-salt.toml
