# The guide's steps on the worker itself, without the copying over ssh that comes before them.
# Takes the archive; says in seconds what the binaries and what everything took.
set -e
archive=$1
begin=$EPOCHREALTIME

mkdir -p /root/work /opt/k8s/bin
tar -xf "$archive" -C /root/work
cp /root/work/docker/* /opt/k8s/bin/
chmod +x /opt/k8s/bin/*
binaries=$EPOCHREALTIME

cat >/etc/systemd/system/docker.service <<"EOF"
[Unit]
Description=Docker Application Container Engine

[Service]
WorkingDirectory=/data/k8s/docker
Environment="PATH=/opt/k8s/bin:/bin:/sbin:/usr/bin:/usr/sbin"
EnvironmentFile=-/run/flannel/docker
ExecStart=/opt/k8s/bin/dockerd $DOCKER_NETWORK_OPTIONS
ExecReload=/bin/kill -s HUP $MAINPID
Restart=on-failure
RestartSec=5
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
EOF
mkdir -p /etc/docker /data/k8s/docker/data /data/k8s/docker/exec
cat >/etc/docker/daemon.json <<EOF
{
    "max-concurrent-downloads": 20,
    "live-restore": true,
    "max-concurrent-uploads": 10,
    "data-root": "/data/k8s/docker/data",
    "exec-root": "/data/k8s/docker/exec",
    "log-opts": { "max-size": "100m", "max-file": "5" }
}
EOF
cat >/etc/sysctl.d/kubernetes.conf <<EOF
net.bridge.bridge-nf-call-iptables=1
net.bridge.bridge-nf-call-ip6tables=1
net.ipv4.ip_forward=1
EOF

iptables -F && iptables -X && iptables -F -t nat && iptables -X -t nat
iptables -P FORWARD ACCEPT
systemctl daemon-reload && systemctl enable docker 2>/dev/null && systemctl restart docker
sysctl -q -p /etc/sysctl.d/kubernetes.conf
until curl -s --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null; do :; done
end=$EPOCHREALTIME

awk "BEGIN { print $binaries - $begin, $end - $begin }"
