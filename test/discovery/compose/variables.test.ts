import { main, projectTests, services } from './projects.ts';

projectTests([
  [
    'interpolation',
    {
      [main]: services('  a:\n    image: "${R:-q.io}/$N:${T-1}${E+-e}"\n'),
      '.env': '# c\nexport N="n" # x\nT=2\n',
    },
    ['a.image q.io/n:2 compose.yaml:3'],
  ],
  [
    'a variable that is not set',
    { [main]: services('  a:\n    image: x:$T\n  b:\n    image: y:${T:?no}\n') },
    ['a.image ?x:$T compose.yaml:3', 'b.image ?y:${T:?no} compose.yaml:5'].concat(
      '!variable compose.yaml:3',
      '!variable compose.yaml:5',
    ),
  ],
  [
    'an env_file is for containers',
    { [main]: services('  a:\n    image: x:${T:-0}\n    env_file: e\n'), e: 'T=1\n' },
    ['a.image x:0 compose.yaml:3'],
  ],
  [
    'a line of .env that Compose refuses',
    { [main]: services('  a: {image: x:1}\n'), '.env': 'A="x\ny"\n\nB C=1\n' },
    ['a.image x:1 compose.yaml:2', '!compose .env:4'],
  ],
  [
    'a quote of .env that does not end',
    { [main]: services('  a: {image: x:1}\n'), '.env': 'A=b # \'\nB="1\n' },
    ['a.image x:1 compose.yaml:2', '!compose .env:2'],
  ],
  [
    'byte order marks',
    { [main]: `\uFEFF${services('  a: {image: "x:$T"}\n')}`, '.env': '\uFEFFT=1\n' },
    ['a.image x:1 compose.yaml:2'],
  ],
]);
