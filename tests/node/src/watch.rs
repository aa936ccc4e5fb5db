//! Whether the policy of FORWARD was ever DROP, also for a moment, also while a node boots.

use crate::Node;

/// nftables tells of each change. The legacy tables, where there are any, have to be asked.
const PROGRAM: &str = r#"#!/bin/bash
names() { cat /proc/net/$1 2>/dev/null; }
{ nft list ruleset; nft monitor chains; } | grep --line-buffered -E 'hook forward.*policy drop' >>/var/log/drops &
while :; do
	for family in ip ip6; do
		case "$(names ${family}_tables_names)" in
		*filter*) "${family}tables-legacy" -S FORWARD | grep -x -e '-P FORWARD DROP' >>/var/log/drops ;;
		esac
	done
	read -rt 0.1 <> <(:)
done
"#;

const UNIT: &str = "[Unit]\nDefaultDependencies=no\nAfter=local-fs.target\nBefore=sysinit.target\n\n\
    [Service]\nExecStart=/usr/local/sbin/watch-policy\n\n[Install]\nWantedBy=sysinit.target\n";

impl Node {
    /// Watches FORWARD from now on, over reboots too.
    #[track_caller]
    pub fn watch_policy(&self) {
        self.write("/usr/local/sbin/watch-policy", PROGRAM);
        self.write("/etc/systemd/system/watch-policy.service", UNIT);
        self.ok("chmod 755 /usr/local/sbin/watch-policy && systemctl -q enable --now watch-policy");
        self.wait_for("the policy is watched", std::time::Duration::from_secs(10), || {
            self.sh("pgrep -x nft").success()
        });
    }

    /// How often FORWARD was seen to become DROP since it is watched.
    #[track_caller]
    #[must_use]
    pub fn drops(&self) -> usize {
        self.ok("systemctl is-active --quiet watch-policy && touch /var/log/drops && cat /var/log/drops")
            .lines()
            .count()
    }
}
