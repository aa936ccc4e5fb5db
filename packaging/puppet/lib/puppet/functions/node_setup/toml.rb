# frozen_string_literal: true

require 'json'

# Settings by their keys, as the text of a configuration file of node-setup.
Puppet::Functions.create_function(:'node_setup::toml') do
  dispatch :toml do
    param 'Hash[String, Data]', :settings
    return_type 'String'
  end

  def toml(settings)
    lines = settings.map { |key, value| "#{key} = #{written(value)}" }
    "#{['# Kept by Puppet.', *lines].join("\n")}\n"
  end

  def written(value)
    case value
    when Hash then "{ #{value.map { |key, one| "#{key.to_json} = #{written(one)}" }.join(', ')} }"
    when Array then "[#{value.map { |one| written(one) }.join(', ')}]"
    else value.to_json
    end
  end
end
