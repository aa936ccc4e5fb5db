# Everything that is done with a clone of node-setup. `make help` lists it.
#
# Debian or Ubuntu. `setup`, `test` and `try` need root: they install packages
# and boot nodes.

ARCH    := $(shell uname -m)
TRIPLE  := $(ARCH)-unknown-linux-gnu
TARGET  := $(or $(CARGO_TARGET_DIR),target)
BINARY  := $(abspath $(TARGET)/$(TRIPLE)/release/node-setup)
# No path of this machine is in the program, so that two builds of one source are one and the same.
CRATES  := $(or $(CARGO_HOME),$(HOME)/.cargo)
# Relocations are packed, and nothing unwinds.
SMALL   := -C link-arg=-Wl,-z,pack-relative-relocs,-T,packaging/link.ld -C force-unwind-tables=no
STATIC  := RUSTFLAGS="-C target-feature=+crt-static $(SMALL) --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CRATES)=cargo"
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SUITE   ?= bookworm
PACKAGES ?= $(abspath $(TARGET)/packages)
FRESH   := generated:: the_schema_that_is_shipped the_pages_are

export PATH := $(HOME)/.cargo/bin:$(PATH)
export NODE_SETUP_BIN ?= $(BINARY)

.NOTPARALLEL:
.PHONY: help setup build check generate test test-packages torture fuzz bench session reproducible try deb rpm repo no-key \
	release clean
.DEFAULT_GOAL := help

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## Install what building and testing need, and is missing
	@tests/setup.sh
	@cargo run --quiet --package node-tests --bin testbed -- setup

build: ## Build the static release binary; its path is the last line
	@$(STATIC) cargo build --locked --release --package node-setup --target $(TRIPLE)
	@echo $(BINARY)

check: ## Format, lints, documentation, dependencies, generated files
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps --document-private-items
	tests/deny.sh
	cargo test --locked --quiet --package node-setup --lib -- $(FRESH)

generate: ## Write the files that are generated from the code
	UPDATE=1 cargo test --locked --quiet --package node-setup --lib -- $(FRESH)

test: setup build ## Run every test, those on real nodes too; ends with the totals
	@tests/run.sh

# PART=2/4: a quarter of the points, spread over all of them. JOBS=6: nodes at a time
torture: setup build ## Kill, fail and power off runs at every system call that changes something; takes hours
	@cargo build --quiet --package node-tests
	@$(TARGET)/debug/torture kill --part $(or $(PART),1/1) --jobs $(or $(JOBS),2)
	@$(TARGET)/debug/torture give-up --part $(or $(PART),1/1) --jobs $(or $(JOBS),2)
	@$(TARGET)/debug/torture error --part $(or $(PART),1/1) --jobs $(or $(JOBS),2)
	@$(TARGET)/debug/torture lost --part $(or $(PART),1/1) --jobs $(or $(JOBS),2)
	@$(TARGET)/debug/torture cut

# FUZZ_SECONDS=900, FUZZ_TARGET=part-of-a-name, FUZZ_SEED=number
fuzz: ## Damage foreign bytes at random for a minute, or FUZZ_SECONDS, and read them
	FUZZ_FOUND=$(abspath $(TARGET))/fuzz RUSTFLAGS="--cfg fuzz" cargo test --locked --profile fuzz --package node-setup --lib -- \
		--nocapture --exact fuzz::for_as_long_as_wanted

bench: setup build ## Measure, next to the guide's own steps and to Ansible; wants a machine with nothing else to do
	@cargo build --quiet --package node-tests
	@$(TARGET)/debug/bench --ansible

# AGAIN=--again draws the recording that is there once more.
session: setup build ## Record the session that README.md shows, on a throw-away node, and draw it
	@cargo build --quiet --package node-tests
	@$(TARGET)/debug/session $(AGAIN) tests/node/fixtures/session.json docs/session.svg

# Not part of `make test`, which needs no tools from a registry. `make deb` asks lintian each time.
test-packages: rpm ## Check what is released with the tools of its kind: Ansible's, promtool, rpmlint
	@tests/ansible.sh $(TARGET)/ansible
	@tests/prometheus.sh $(TARGET)/prometheus
	@tests/rpmlint.sh $(PACKAGES)/node-setup-$(VERSION)-1.$(ARCH).rpm
	@tests/readme.sh

reproducible: setup ## Build twice, in two directories, and compare
	@tests/reproducible.sh $(TARGET)/reproducible

try: setup build ## Install docker on a throw-away node, step by step (SUITE=trixie for another)
	@cargo build --quiet --package node-tests
	@tests/try.sh $(TARGET)/debug/testbed $(NODE_SETUP_BIN) $(SUITE)

# PREBUILT=FILE packages that static binary in place of building one.
deb: $(if $(PREBUILT),,setup build) ## Build a Debian package; its path is the last line
	@tests/need.sh dpkg-dev debhelper fakeroot lintian
	@debian/deb.sh $(abspath $(or $(PREBUILT),$(BINARY))) $(PACKAGES)

rpm: $(if $(PREBUILT),,setup build) ## Build an RPM package; its path is the last line
	@tests/need.sh dpkg-dev rpm
	@rpm/rpm.sh $(abspath $(or $(PREBUILT),$(BINARY))) $(PACKAGES)

# KEY=… is what gpg knows a secret key by. Packages of earlier versions that are in the directory stay.
REPOSITORY ?= $(PACKAGES)/repository
repo: $(if $(KEY),,no-key) deb rpm ## Build signed apt and yum repositories (KEY=…); their directory is the last line
	@tests/need.sh apt-utils createrepo-c gnupg
	@packaging/repository.sh "$(KEY)" $(REPOSITORY) $(PACKAGES)/*.deb $(PACKAGES)/*.rpm

no-key:
	@echo "name the key to sign with, as gpg knows it: make repo KEY=…" >&2; exit 2

RELEASE ?= $(abspath $(TARGET)/release-$(VERSION))
release: deb rpm ## Make everything that is released, with its sums; their directory is the last line
	@tests/need.sh jq
	@packaging/release.sh $(abspath $(or $(PREBUILT),$(BINARY))) $(PACKAGES) $(RELEASE) \
		"$$(tests/ansible-tools.sh $(abspath $(TARGET)/ansible/venv))/ansible-galaxy"

clean: ## Remove what was built
	cargo clean
