import type { ReportedCase } from './case.ts';

export const serviceCases: readonly ReportedCase[] = [
  {
    name: 'services that bring up Compose',
    source: 'docker/compose#4266; ansible-collections/community.docker#184',
    tree: {
      '/etc/systemd/system/app2.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nWorkingDirectory=/opt/harbor\nExecStartPre=/usr/bin/docker compose pull\nExecStart=/usr/bin/docker compose up -d --remove-orphans\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/app3.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nWorkingDirectory=/opt/harbor\nExecStart=/usr/bin/podman-compose up -d\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/app4.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nWorkingDirectory=/opt/harbor\nExecStart=/usr/bin/podman compose --file docker-compose.yml up -d\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/harbor.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nWorkingDirectory=/opt/harbor\nExecStart=/usr/local/bin/docker-compose -f /opt/harbor/docker-compose.yml up -d\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/multi-user.target.wants/app2.service': '-> ../app2.service',
      '/etc/systemd/system/multi-user.target.wants/app3.service': '-> ../app3.service',
      '/etc/systemd/system/multi-user.target.wants/app4.service': '-> ../app4.service',
      '/etc/systemd/system/multi-user.target.wants/harbor.service': '-> ../harbor.service',
      '/opt/harbor/docker-compose.yml':
        'services:\n  core:\n    image: docker.io/goharbor/harbor-core:v2.11.0\n',
    },
    images: [
      'app2.service docker.io/goharbor/harbor-core:v2.11.0 boot docker',
      'app2.service docker.io/goharbor/harbor-core:v2.11.0 boot docker',
      'app3.service docker.io/goharbor/harbor-core:v2.11.0 boot podman',
      'app4.service docker.io/goharbor/harbor-core:v2.11.0 boot podman',
      'harbor.service docker.io/goharbor/harbor-core:v2.11.0 boot docker',
      'docker-compose.yml docker.io/goharbor/harbor-core:v2.11.0 unknown docker',
    ],
    problems: ['pull-always /etc/systemd/system/app2.service:7'],
  },
  {
    name: 'short names of docker and nerdctl',
    source: 'containers/image#1415, containers/podman#24433',
    tree: {
      '/etc/containers/registries.conf': 'unqualified-search-registries = ["quay.io"]\n',
      '/etc/containers/registries.conf.d/a.conf':
        '[aliases]\n"nginx" = "registry.example.com/mirror/nginx"\n',
      '/etc/systemd/system/d1.service':
        '[Unit]\nDescription=x\n[Service]\nExecStart=/usr/bin/docker run --rm --name d1 nginx:1.27\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/d2.service':
        '[Unit]\nDescription=x\n[Service]\nExecStartPre=-/usr/bin/docker pull linuxserver/sonarr:4\nExecStart=/usr/bin/docker run --rm linuxserver/sonarr:4\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/multi-user.target.wants/d1.service': '-> ../d1.service',
      '/etc/systemd/system/multi-user.target.wants/d2.service': '-> ../d2.service',
      '/etc/systemd/system/multi-user.target.wants/n1.service': '-> ../n1.service',
      '/etc/systemd/system/n1.service':
        '[Unit]\nDescription=x\n[Service]\nExecStart=/usr/local/bin/nerdctl run --rm redis:7\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'd1.service docker.io/library/nginx:1.27 boot docker',
      'd2.service docker.io/linuxserver/sonarr:4 boot docker',
      'd2.service docker.io/linuxserver/sonarr:4 boot docker',
      'n1.service docker.io/library/redis:7 boot containerd:default',
    ],
    problems: [],
  },
  {
    name: 'a service with User=',
    source: 'containers/podman#12778',
    tree: {
      '/etc/containers/systemd/q.container':
        '[Container]\nImage=quay.io/acme/q:1\n[Service]\nUser=app\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/passwd': 'app:x:1001:1001::/home/app:/bin/sh\n',
      '/etc/systemd/system/a.service':
        '[Service]\nUser=app\nExecStart=/usr/bin/podman run --rm quay.io/acme/a:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/multi-user.target.wants/a.service': '-> ../a.service',
    },
    images: [
      'q.service quay.io/acme/q:1 boot podman:app',
      'a.service quay.io/acme/a:1 boot podman:app',
    ],
    problems: [],
  },
  {
    name: 'one image on four engines',
    source: 'podman#12778; ikke-t/podman-container-systemd#70',
    tree: {
      '/etc/containers/systemd/users/1001/u.container':
        '[Container]\nImage=localhost:5097/acme/a:1\n[Install]\nWantedBy=default.target\n',
      '/etc/kubernetes/manifests/p.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: "localhost:5097/acme/a:1"}]}\n',
      '/etc/passwd': 'root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n',
      '/etc/systemd/system/a.service':
        '[Service]\nUser=app\nExecStart=/usr/bin/podman run --rm localhost:5097/acme/a:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/d.service':
        '[Service]\nExecStart=/usr/bin/docker run --rm localhost:5097/acme/a:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/multi-user.target.wants/a.service': '-> ../a.service',
      '/etc/systemd/system/multi-user.target.wants/d.service': '-> ../d.service',
      '/usr/lib/systemd/user/default.target': '[Unit]\n',
      '/var/lib/systemd/linger/app': '',
    },
    images: [
      'u.service localhost:5097/acme/a:1 boot podman:app',
      'kubelet.service localhost:5097/acme/a:1 none containerd',
      'a.service localhost:5097/acme/a:1 boot podman:app',
      'd.service localhost:5097/acme/a:1 boot docker',
    ],
    problems: [],
  },
  {
    name: 'podman behind other programs',
    source: 'containers/podman#5094/#12778',
    tree: {
      '/etc/systemd/system/multi-user.target.wants/w1.service': '-> ../w1.service',
      '/etc/systemd/system/multi-user.target.wants/w10.service': '-> ../w10.service',
      '/etc/systemd/system/multi-user.target.wants/w11.service': '-> ../w11.service',
      '/etc/systemd/system/multi-user.target.wants/w12.service': '-> ../w12.service',
      '/etc/systemd/system/multi-user.target.wants/w13.service': '-> ../w13.service',
      '/etc/systemd/system/multi-user.target.wants/w14.service': '-> ../w14.service',
      '/etc/systemd/system/multi-user.target.wants/w15.service': '-> ../w15.service',
      '/etc/systemd/system/multi-user.target.wants/w16.service': '-> ../w16.service',
      '/etc/systemd/system/multi-user.target.wants/w17.service': '-> ../w17.service',
      '/etc/systemd/system/multi-user.target.wants/w18.service': '-> ../w18.service',
      '/etc/systemd/system/multi-user.target.wants/w19.service': '-> ../w19.service',
      '/etc/systemd/system/multi-user.target.wants/w2.service': '-> ../w2.service',
      '/etc/systemd/system/multi-user.target.wants/w20.service': '-> ../w20.service',
      '/etc/systemd/system/multi-user.target.wants/w21.service': '-> ../w21.service',
      '/etc/systemd/system/multi-user.target.wants/w22.service': '-> ../w22.service',
      '/etc/systemd/system/multi-user.target.wants/w3.service': '-> ../w3.service',
      '/etc/systemd/system/multi-user.target.wants/w4.service': '-> ../w4.service',
      '/etc/systemd/system/multi-user.target.wants/w5.service': '-> ../w5.service',
      '/etc/systemd/system/multi-user.target.wants/w6.service': '-> ../w6.service',
      '/etc/systemd/system/multi-user.target.wants/w7.service': '-> ../w7.service',
      '/etc/systemd/system/multi-user.target.wants/w8.service': '-> ../w8.service',
      '/etc/systemd/system/multi-user.target.wants/w9.service': '-> ../w9.service',
      '/etc/systemd/system/w1.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/ionice -c3 /usr/bin/podman run --rm quay.io/acme/w1:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w10.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/crictl pull quay.io/acme/w10:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w11.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/skopeo copy docker://quay.io/acme/w11:1 containers-storage:quay.io/acme/w11:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w12.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman image mount quay.io/acme/w12:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w13.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman build -t x /opt/x\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w14.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman container runlabel install quay.io/acme/w14:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w15.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/taskset -c 0 /usr/bin/podman run --rm quay.io/acme/w15:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w16.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman pod create --infra-image quay.io/acme/w16:1 x\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w17.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/systemd-nspawn -D / podman run --rm quay.io/acme/w17:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w18.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/stdbuf -oL podman run --rm quay.io/acme/w18:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w19.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman --remote run --rm quay.io/acme/w19:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w2.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/systemd-cat -t w2 /usr/bin/podman run --rm quay.io/acme/w2:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w20.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/docker container create --name x quay.io/acme/w20:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w21.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman artifact pull quay.io/acme/w21:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w22.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/podman quadlet install /opt/x.quadlets\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w3.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/sudo -u app /usr/bin/podman run --rm quay.io/acme/w3:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w4.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/runuser -u app -- /usr/bin/podman run --rm quay.io/acme/w4:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w5.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/su - app -c "podman run --rm quay.io/acme/w5:1"\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w6.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/setsid /usr/bin/docker run --rm quay.io/acme/w6:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w7.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/chronic podman run --rm quay.io/acme/w7:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w8.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/systemd-run --scope podman run --rm quay.io/acme/w8:1\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/w9.service':
        '[Unit]\nDescription=x\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/ctr -n k8s.io images pull quay.io/acme/w9:1\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: [
      'w1.service quay.io/acme/w1:1 boot podman',
      'w10.service quay.io/acme/w10:1 boot containerd',
      'w11.service quay.io/acme/w11:1 boot podman',
      'w12.service quay.io/acme/w12:1 boot podman',
      'w14.service quay.io/acme/w14:1 boot podman',
      'w15.service quay.io/acme/w15:1 boot podman',
      'w16.service quay.io/acme/w16:1 boot podman',
      'w18.service quay.io/acme/w18:1 boot podman',
      'w19.service quay.io/acme/w19:1 boot podman',
      'w2.service quay.io/acme/w2:1 boot podman',
      'w20.service quay.io/acme/w20:1 boot docker',
      'w21.service quay.io/acme/w21:1 boot podman',
      'w3.service quay.io/acme/w3:1 boot podman:app',
      'w4.service quay.io/acme/w4:1 boot podman:app',
      'w5.service quay.io/acme/w5:1 boot podman:app',
      'w6.service quay.io/acme/w6:1 boot docker',
      'w7.service quay.io/acme/w7:1 boot podman',
      'w8.service quay.io/acme/w8:1 boot podman',
      'w9.service quay.io/acme/w9:1 boot containerd',
    ],
    problems: [
      'command-line /etc/systemd/system/w13.service:6',
      'command-line /etc/systemd/system/w17.service:6',
      'command-line /etc/systemd/system/w22.service:6',
      'pull-always /etc/systemd/system/w10.service:6',
      'pull-always /etc/systemd/system/w11.service:6',
      'storage-differs /etc/systemd/system/w19.service:6',
      'pull-always /etc/systemd/system/w21.service:6',
      'pull-always /etc/systemd/system/w9.service:6',
    ],
  },
  {
    name: 'containers in rc.local',
    source: 'systemd-rc-local-generator(8)',
    tree: {
      '/etc/rc.local': '#!/bin/sh -e\ndocker run -d nginx:1\nexit 0\n',
      '/usr/lib/systemd/system/rc-local.service':
        '[Unit]\nConditionFileIsExecutable=/etc/rc.local\n[Service]\nType=forking\nExecStart=/etc/rc.local start\n',
    },
    images: ['rc-local.service docker.io/library/nginx:1 boot docker'],
    problems: [],
  },
];
