# frozen_string_literal: true

require 'json'
require 'open3'

Puppet::Type.type(:docker_node).provide(:node_setup) do
  desc 'Runs node-setup on the node, and reads its JSON report.'

  # What a rehearsal can say on a node where the program is only about to be installed.
  UNKNOWN = [{
    'kind' => 'package', 'on' => 'node-setup', 'from' => 'not there', 'to' => 'there, and what it would change'
  }].freeze

  # What was changed last, or would be.
  attr_reader :changes

  # What would be changed.
  def pending(wanted)
    unknown = resource.noop? && program.nil?
    @changes = unknown ? UNKNOWN : run(wanted, '--dry-run')['changes']
  end

  def ensure=(wanted)
    report = run(wanted)
    @changes = report['changes']
    left(report).each { |line| warning(line) }
    report['notes'].each { |line| notice(line) }
  end

  # The changes as one text: a diff where there is one, else the state before and after.
  def difference
    changes.map { |change| change['diff'] || states(change) }.map(&:chomp).join("\n")
  end

  private

  def program
    Puppet::Util.which('node-setup')
  end

  def states(change)
    name = "#{change['kind']} #{change['on']}"
    "--- #{name}\n+++ #{name}\n-#{change['from']}\n+#{change['to']}"
  end

  def run(wanted, *flags)
    raise Puppet::Error, 'node-setup is not on this node -> install the package node-setup' if program.nil?

    out, err, status = Open3.capture3(variables, *line(wanted), *flags, '--output', 'json')
    report = JSON.parse(out)
    raise Puppet::Error, complaint(report) unless status.success?

    report
  rescue JSON::ParserError
    raise Puppet::Error, err.strip
  end

  def line(wanted)
    line = [program, 'docker']
    if wanted == :absent
      line << 'remove'
      line << '--purge' if resource[:purge]
      line << '--force' if resource[:force]
    end
    line << '--wait' if resource[:wait]
    line
  end

  # The settings as the variables that node-setup reads them from.
  def variables
    resource[:settings].to_h { |key, value| ["NODE_SETUP_#{key.upcase.tr('.-', '__')}", in_words(value)] }
  end

  # A setting as a variable has it: text as it is, a list with commas, anything else as JSON.
  def in_words(value)
    case value
    when String then value
    when Array then value.map { |one| in_words(one) }.join(',')
    else value.to_json
    end
  end

  # Why the run is a failure: the error with its help, or the checks that failed.
  def complaint(report)
    error = report['error']
    return checks(report).join("\n") unless error

    refusals = error.fetch('refusals', []).map do |refusal|
      with_remedy("#{refusal['id']}: #{refusal['found']}", refusal['remedy'])
    end
    said = [error['message'], *(refusals.empty? ? error['causes'] : [])].join(': ')
    lines = [with_remedy(said, error['help']), *refusals]
    lines.concat(error.fetch('log', []).map { |logged| "| #{logged}" })
    lines << 'the node is as it was before' if report['outcome'] == 'restored'
    lines.concat(left(report)).join("\n")
  end

  def checks(report)
    failed = report['checks'].select { |check| %w[fail unknown].include?(check['status']) }
    failed.map { |check| with_remedy("#{check['id']}: #{check['detail']}", check['remedy']) } + left(report)
  end

  def with_remedy(what, remedy)
    remedy ? "#{what} -> #{remedy}" : what
  end

  def left(report)
    report.fetch('left', []).map { |one| "#{one['kind']} #{one['on']} stays: #{one['why']}" }
  end
end
