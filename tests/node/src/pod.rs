//! One container on a node that stands for a pod.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::base;
use crate::machine::{Machine, PATH};

impl Machine {
    fn docker(&self, script: &str) -> Result<crate::Output> {
        self.sh(script, &[("PATH", &format!("/opt/k8s/bin:{PATH}"))], Duration::from_mins(2))
    }

    /// Imports an image that is one static busybox, runs it as the container `pod` (in place of an earlier one), and
    /// returns its address.
    pub fn pod(&self) -> Result<Ipv4Addr> {
        let output = self.docker(&format!(
            r#"set -eu
docker image inspect bb >/dev/null 2>&1 || tar -C /{image} -c . | docker import - bb >/dev/null
docker rm -f pod >/dev/null 2>&1 || true
docker run -d --name pod --restart=always bb /bin/busybox sh -c 'trap "exit 0" TERM; sleep 86400 & wait' >/dev/null
docker inspect -f '{{{{.NetworkSettings.Networks.bridge.IPAddress}}}}' pod"#,
            image = base::IMAGE
        ))?;
        if !output.success() {
            bail!("no pod on node {}: {}", self.name(), output.stderr.trim());
        }
        let address = output.stdout.trim();
        address.parse().with_context(|| format!("the pod's address is {address:?}"))
    }

    /// Whether `ip` answers the pod, in three tries of two seconds.
    ///
    /// # Errors
    /// When there is no running pod to ask: that is not the same as no answer.
    pub fn ping(&self, ip: Ipv4Addr) -> Result<bool> {
        let running = self.docker("docker inspect -f '{{.State.Running}}' pod")?;
        if running.stdout.trim() != "true" {
            bail!("no running pod on node {}: {}{}", self.name(), running.stdout, running.stderr);
        }
        let once = format!("docker exec pod /bin/busybox ping -c 1 -W 2 {ip}");
        Ok(self.docker(&format!("{once} || {once} || {once}"))?.success())
    }
}
