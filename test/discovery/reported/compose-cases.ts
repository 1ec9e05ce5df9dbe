import type { ReportedCase } from './case.ts';

export const composeCases: readonly ReportedCase[] = [
  {
    name: 'short names in Compose',
    source: 'docker/compose#8462',
    tree: {
      '/etc/compose/p/compose.yaml':
        'services:\n  a:\n    image: nginx:1\n  b:\n    image: linuxserver/sonarr:4\n',
    },
    images: [
      'compose.yaml docker.io/library/nginx:1 unknown docker',
      'compose.yaml docker.io/linuxserver/sonarr:4 unknown docker',
    ],
    problems: [],
  },
  {
    name: 'a Compose file that is missing',
    source: 'docker/compose#4588',
    tree: {
      '/etc/compose/p/.env': 'COMPOSE_FILE=prod.yml\n',
      '/etc/compose/p/compose.yaml': 'services:\n  a:\n    image: quay.io/acme/a:1\n',
    },
    images: [],
    problems: ['compose /etc/compose/p/prod.yml'],
  },
  {
    name: 'COMPOSE_PATH_SEPARATOR',
    source: 'docker-archive/compose-cli#1843; docker/compose#8462, #4588',
    tree: {
      '/etc/compose/p/.env': 'COMPOSE_FILE=a.yml,b.yml\nCOMPOSE_PATH_SEPARATOR=,\n',
      '/etc/compose/p/a.yml': 'services:\n  a:\n    image: quay.io/acme/a:1\n',
      '/etc/compose/p/b.yml': 'services:\n  b:\n    image: quay.io/acme/b:1\n',
      '/etc/compose/p/compose.yaml': 'services:\n  a:\n    image: quay.io/acme/a:1\n',
    },
    images: ['a.yml quay.io/acme/a:1 unknown docker', 'a.yml quay.io/acme/b:1 unknown docker'],
    problems: [],
  },
  {
    name: 'a mapping with two merges',
    source: 'docker/compose#10394',
    tree: {
      '/etc/compose/a/compose.yaml':
        'x-a: &a {restart: always}\nx-b: &b {image: "quay.io/acme/b:1"}\nservices:\n  r:\n    <<: *a\n    <<: *b\n',
    },
    images: [],
    problems: ['yaml /etc/compose/a/compose.yaml:6'],
  },
  {
    name: 'image beside build',
    source: 'docker/cli#6027; docker/compose#10123; containers/podlet#173, #74',
    tree: {
      '/etc/compose/app/Dockerfile': 'FROM docker.io/library/alpine:3.20\nRUN apk add curl\n',
      '/etc/compose/app/compose.yaml':
        'services:\n  app:\n    image: ghcr.io/acme/app:1\n    build: .\n',
    },
    images: [
      'compose.yaml docker.io/library/alpine:3.20 unknown docker',
      'compose.yaml ghcr.io/acme/app:1 unknown docker',
    ],
    problems: [],
  },
  {
    name: 'an image as a volume',
    source: 'docker/compose#13809, #12725, #14005; containers/podman-compose#1202',
    tree: {
      '/etc/compose/web/compose.yaml':
        'services:\n  web:\n    image: docker.io/library/nginx:1.29-alpine\n    volumes:\n      - type: image\n        source: quay.io/acme/site:3\n        target: /srv/http\n        image:\n          subpath: usr/share/site\n',
    },
    images: [
      'compose.yaml docker.io/library/nginx:1.29-alpine unknown docker',
      'compose.yaml quay.io/acme/site:3 unknown docker',
    ],
    problems: [],
  },
  {
    name: 'podman-compose.yaml',
    source: 'flightctl/flightctl#632, #1063',
    tree: {
      '/usr/local/etc/compose/manifests/demo/podman-compose.yaml':
        'services:\n  s:\n    image: quay.io/flightctl-tests/alpine:v1\n',
      '/usr/local/etc/compose/manifests/demo2/docker-compose.yaml':
        'services:\n  s:\n    image: quay.io/flightctl-tests/alpine:v2\n',
    },
    images: [
      'podman-compose.yaml quay.io/flightctl-tests/alpine:v1 unknown podman',
      'docker-compose.yaml quay.io/flightctl-tests/alpine:v2 unknown docker',
    ],
    problems: [],
  },
];
