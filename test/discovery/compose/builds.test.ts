import { main, projectTests, services } from './projects.ts';

projectTests([
  [
    'build',
    {
      [main]: services(
        '  a:\n    build:\n      context: ctx\n      dockerfile: D\n      target: t\n      args: [V=2, W]\n',
      ),
      '.env': 'W=w\n',
      'ctx/D': 'ARG V=1\nARG W\nFROM x:$V AS t\nARG W\nCOPY --from=y:$W a b\nFROM no\n',
    },
    ['a.build x:2 ctx/D:3', 'a.build y:w ctx/D:5'],
  ],
  [
    'build in place, with an image of its own',
    {
      [main]: services(
        '  a:\n    image: own\n    build:\n      dockerfile_inline: |\n        FROM x:1\n        FROM ctx\n      additional_contexts:\n        ctx: docker-image://y:2\n',
      ),
    },
    ['a.image own:latest compose.yaml:3', 'a.build y:2 compose.yaml:5'],
  ],
  [
    'a build that never pulls the image',
    {
      [main]: services(
        '  a: {image: x:1, pull_policy: build, build: .}\n  b: {image: localhost/x, build: .}\n',
      ),
      Dockerfile: 'FROM y',
    },
    ['a.build y:latest Dockerfile:1', 'b.build y:latest Dockerfile:1'],
  ],
  [
    'a build that may pull',
    {
      [main]: services('  a: {image: x:1, pull_policy: missing, build: .}\n'),
      Dockerfile: 'FROM y',
    },
    ['a.image x:1 compose.yaml:2', 'a.build y:latest Dockerfile:1'],
  ],
  [
    'builds that are not there',
    {
      [main]: services(
        '  a: {build: ../../../..}\n  b: {build: "https://x/y.git"}\n  c: {build: {}}\n',
      ),
    },
    ['!compose compose.yaml:2', '!compose compose.yaml:3', '!compose compose.yaml:4'],
  ],
]);
