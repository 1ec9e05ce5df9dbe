import type { Tree } from '../../support/tree.ts';

const vendor = '/usr/lib/systemd/system';
const admin = '/etc/systemd/system';

/** A service that stays active once it is started. */
export function service(unit = '', more = ''): string {
  return `[Unit]\n${unit}\n[Service]\nExecStart=/bin/sleep infinity\n${more}\n`;
}

/**
 * Units that start in every possible way, and many that do not start. All names begin with `t-`.
 */
export const bootForest: Tree = {
  ...quadlets(),
  [`${vendor}/t-wanted.service`]: service(
    [
      'Wants=t-key-wanted.service \\',
      '# a comment in between',
      '  t-key-continued.service t-bare@.service',
      'Requires=t-key-required.service',
      'BindsTo=t-key-bound.service',
      'Upholds=t-key-upheld.service',
      'After=t-ordered.service',
      'OnFailure=t-on-failure.service',
      'this line says nothing',
    ].join('\n'),
    '[Install]\nAlso=t-also.service\nAlias=t-never-linked.service',
  ),
  [`${admin}/multi-user.target.wants/t-wanted.service`]: `-> ${vendor}/t-wanted.service`,
  [`${vendor}/t-bare@.service`]: service('Wants=t-by-%i.service'),
  [`${vendor}/t-by-t-wanted.service`]: service(),
  [`${vendor}/t-key-wanted.service`]: service(),
  [`${vendor}/t-key-continued.service`]: service(),
  [`${vendor}/t-key-required.service`]: service(),
  [`${vendor}/t-key-bound.service`]: service(),
  [`${vendor}/t-key-upheld.service`]: service(),
  [`${vendor}/t-ordered.service`]: service(),
  [`${vendor}/t-on-failure.service`]: service(),
  [`${vendor}/t-also.service`]: service(),
  [`${vendor}/t-unwanted.service`]: service('', '[Install]\nWantedBy=multi-user.target'),
  [`${vendor}/t-part.service`]: service('PartOf=t-wanted.service'),
  [`${vendor}/t-requisite.service`]: service(),
  [`${vendor}/t-asks-requisite.service`]: service('Requisite=t-requisite.service'),
  [`${vendor}/multi-user.target.wants/t-asks-requisite.service`]: '-> ../t-asks-requisite.service',

  [`${vendor}/t-dir-required.service`]: service(),
  [`${vendor}/multi-user.target.requires/t-dir-required.service`]: '-> ../t-dir-required.service',
  [`${vendor}/t-dir-upheld.service`]: service(),
  [`${vendor}/multi-user.target.upholds/t-dir-upheld.service`]: '-> ../t-dir-upheld.service',
  // Only the name of a link in `.wants` counts, not its target.
  [`${vendor}/t-dangling-link.service`]: service(),
  [`${admin}/multi-user.target.wants/t-dangling-link.service`]: '-> /nowhere/else.service',
  [`${vendor}/t-masked-link.service`]: service(),
  [`${vendor}/multi-user.target.wants/t-masked-link.service`]: '-> ../t-masked-link.service',
  [`${admin}/multi-user.target.wants/t-masked-link.service`]: '-> /dev/null',
  // systemd ignores a link to the unit of the same name that Quadlet makes.
  [`${admin}/t-q-wanted.service`]: '-> /run/systemd/generator/t-q-wanted.service',
  '/etc/systemd/system.conf.d/t.conf':
    '[Manager]\nDefaultEnvironment=T_DEFAULT=3 "T_QUOTED=a b"\nManagerEnvironment=T_MANAGER=4\n',
  '/usr/lib/systemd/system.conf.d/s.conf': '[Manager]\nDefaultEnvironment=T_DEFAULT=2 T_FIRST=1\n',
  [`${vendor}/t-empty-file.service`]: service(),
  [`${vendor}/multi-user.target.wants/t-empty-file.service`]: '-> ../t-empty-file.service',
  [`${admin}/multi-user.target.wants/t-empty-file.service`]: '',
  [`${vendor}/t-plain-file.service`]: service(),
  [`${admin}/multi-user.target.wants/t-plain-file.service`]: 'no link',
  [`${vendor}/t-empty-target.service`]: service(),
  [`${admin}/multi-user.target.wants/t-empty-target.service`]: '-> /etc/t-empty',
  '/etc/t-empty': '',
  [`${vendor}/t-of-alias.service`]: service(),
  [`${vendor}/t-alias.service.wants/t-of-alias.service`]: '-> ../t-of-alias.service',

  [`${vendor}/t-masked.service`]: service('Wants=t-behind-mask.service'),
  [`${admin}/t-masked.service`]: '-> /dev/null',
  [`${admin}/multi-user.target.wants/t-masked.service`]: `-> ${vendor}/t-masked.service`,
  [`${vendor}/t-behind-mask.service`]: service(),
  [`${vendor}/t-empty.service`]: service(),
  [`${admin}/t-empty.service`]: '',
  [`${admin}/multi-user.target.wants/t-empty.service`]: `-> ${vendor}/t-empty.service`,
  [`${vendor}/t-broken.service`]: service('[Unit\nWants=t-behind-broken.service'),
  [`${vendor}/multi-user.target.wants/t-broken.service`]: '-> ../t-broken.service',
  [`${vendor}/t-behind-broken.service`]: service(),
  [`${vendor}/t-over.service`]: service('Wants=t-behind-over.service'),
  [`${admin}/t-over.service`]: service('Wants=t-by-over.service'),
  [`${vendor}/multi-user.target.wants/t-over.service`]: '-> ../t-over.service',
  [`${vendor}/t-behind-over.service`]: service(),
  [`${vendor}/t-by-over.service`]: service(),

  [`${vendor}/t-real.service`]: service(),
  [`${admin}/t-alias.service`]: `-> ${vendor}/t-real.service`,
  [`${vendor}/multi-user.target.wants/t-alias.service`]: '-> ../t-real.service',
  // A link to a unit of another type is neither an alias nor a unit.
  [`${admin}/t-no-alias.target`]: `-> ${vendor}/t-behind-no-alias.service`,
  [`${vendor}/multi-user.target.wants/t-no-alias.target`]: '-> ../t-no-alias.target',
  [`${vendor}/t-behind-no-alias.service`]: service(),
  '/opt/t-linked.service': service('Wants=t-by-linked.service'),
  [`${admin}/t-linked.service`]: '-> /opt/t-linked.service',
  [`${vendor}/multi-user.target.wants/t-linked.service`]: '-> ../t-linked.service',
  [`${vendor}/t-by-linked.service`]: service(),

  [`${vendor}/t-inst@.service`]: service('Wants=t-of-%i.service t-other@.service'),
  [`${vendor}/multi-user.target.wants/t-inst@one.service`]: '-> ../t-inst@.service',
  [`${vendor}/t-of-one.service`]: service(),
  [`${vendor}/t-of-two.service`]: service(),
  [`${vendor}/t-other@.service`]: service('Wants=t-other-%I.service t-name-%p.service'),
  [`${vendor}/t-other-one.service`]: service(),
  [`${vendor}/t-name-t-other.service`]: service(),
  [`${vendor}/t-alone@.service`]: service(),
  [`${vendor}/t-template-alias@.service`]: '-> t-inst@.service',
  [`${vendor}/multi-user.target.wants/t-template-alias@two.service`]: '-> ../x',

  [`${admin}/multi-user.target.d/t.conf`]: '[Unit]\nWants=t-by-drop-in.service\n',
  [`${vendor}/t-by-drop-in.service`]: service(),
  [`${vendor}/t-over.service.d/10.conf`]: '[Unit]\nWants=t-by-hidden-drop-in.service\n',
  [`${admin}/t-over.service.d/10.conf`]: '-> /dev/null',
  [`${vendor}/t-by-hidden-drop-in.service`]: service(),
  [`${vendor}/t-over-.service.d/x.conf`]: '[Unit]\nWants=t-by-truncated.service\n',
  [`${vendor}/t-over-long.service`]: service(),
  [`${vendor}/multi-user.target.wants/t-over-long.service`]: '-> ../t-over-long.service',
  // A drop-in in an earlier directory wins over one with a more specific name.
  [`${admin}/t-over-.service.d/y.conf`]: '[Unit]\nWants=t-by-earlier.service\n',
  [`${vendor}/t-over-long.service.d/y.conf`]: '[Unit]\nWants=t-by-specific.service\n',
  [`${vendor}/t-by-earlier.service`]: service(),
  [`${vendor}/t-by-specific.service`]: service(),
  [`${vendor}/t-by-truncated.service`]: service(),
  [`${vendor}/t-other@.service.d/x.conf`]: '[Unit]\nWants=t-by-template-drop-in.service\n',
  [`${vendor}/t-by-template-drop-in.service`]: service(),
  [`${vendor}/timer.d/x.conf`]: '[Unit]\nWants=t-by-type-drop-in.service\n',
  [`${vendor}/t-by-type-drop-in.service`]: service(),

  [`${vendor}/t-sock.socket`]: '[Socket]\nListenStream=/run/t-sock\n',
  [`${vendor}/sockets.target.wants/t-sock.socket`]: '-> ../t-sock.socket',
  [`${vendor}/t-sock.service`]: service('Wants=t-by-sock.service'),
  [`${vendor}/t-by-sock.service`]: service(),
  [`${vendor}/t-named.socket`]:
    '[Socket]\nListenStream=/run/t-named\nService=t-for-named.service\n',
  [`${vendor}/sockets.target.wants/t-named.socket`]: '-> ../t-named.socket',
  [`${vendor}/t-named.service`]: service(),
  [`${vendor}/t-for-named.service`]: service(),
  [`${vendor}/t-each.socket`]: '[Socket]\nListenStream=/run/t-each\nAccept=yes\n',
  [`${vendor}/sockets.target.wants/t-each.socket`]: '-> ../t-each.socket',
  [`${vendor}/t-each@.service`]: service(),
  [`${vendor}/t-unused.socket`]: '[Socket]\nListenStream=/run/t-unused\n',
  [`${vendor}/t-unused.service`]: service(),
  [`${vendor}/t-has-sockets.service`]: service('', 'Sockets=t-by-sockets.socket'),
  [`${vendor}/multi-user.target.wants/t-has-sockets.service`]: '-> ../t-has-sockets.service',
  [`${vendor}/t-by-sockets.socket`]:
    '[Socket]\nListenStream=/run/t-by-sockets\nService=t-has-sockets.service\n',

  [`${vendor}/t-tim.timer`]: '[Timer]\nOnCalendar=2099-01-01\n',
  [`${vendor}/timers.target.wants/t-tim.timer`]: '-> ../t-tim.timer',
  [`${vendor}/t-tim.service`]: service('Wants=t-by-tim.service'),
  [`${vendor}/t-by-tim.service`]: service(),
  [`${vendor}/t-tim-named.timer`]:
    '[Timer]\nOnCalendar=2099-01-01\nUnit=t-for-timer.service\nUnit=t-second.service\n',
  [`${vendor}/timers.target.wants/t-tim-named.timer`]: '-> ../t-tim-named.timer',
  [`${vendor}/t-for-timer.service`]: service(),
  [`${vendor}/t-second.service`]: service(),
  [`${vendor}/t-tim-unused.timer`]: '[Timer]\nOnCalendar=2099-01-01\n',
  [`${vendor}/t-tim-unused.service`]: service(),

  [`${vendor}/t-watched.path`]: '[Path]\nPathExists=/run/t-never-there\n',
  [`${vendor}/paths.target.wants/t-watched.path`]: '-> ../t-watched.path',
  [`${vendor}/t-watched.service`]: service(),
  [`${vendor}/t-watched-named.path`]:
    '[Path]\nPathExists=/run/t-never-there\nUnit=t-for-path.service\n',
  [`${vendor}/multi-user.target.wants/t-watched-named.path`]: '-> ../t-watched-named.path',
  [`${vendor}/t-for-path.service`]: service(),

  [`${vendor}/t-both.service`]: service(),
  [`${vendor}/t-both.timer`]: '[Timer]\nOnCalendar=2099-01-01\n',
  [`${vendor}/timers.target.wants/t-both.timer`]: '-> ../t-both.timer',
  [`${vendor}/multi-user.target.wants/t-both.service`]: '-> ../t-both.service',
  [`${vendor}/t-conditional.service`]: service('ConditionPathExists=/nowhere'),
  [`${vendor}/multi-user.target.wants/t-conditional.service`]: '-> ../t-conditional.service',
};

/** Units for podman's generator. Their images are in a registry that does not answer. */
function quadlets(): Tree {
  const at = '/etc/containers/systemd';
  const own = (more: string) => `[Container]\nImage=localhost:1/x:1\n${more}`;
  const wanted = '[Install]\nWantedBy=multi-user.target\n';
  return {
    [`${at}/t-q-wanted.container`]: own(`Volume=t-q-needed.volume:/v\n${wanted}`),
    [`${at}/t-q-needed.volume`]: '[Volume]\nDriver=image\nImage=t-q-image.image\n',
    [`${at}/t-q-image.image`]: '[Image]\nImage=localhost:1/i:1\n',
    [`${at}/t-q-pod.pod`]: `[Pod]\n${wanted}`,
    [`${at}/t-q-member.container`]: own('Pod=t-q-pod.pod\n'),
    [`${at}/t-q-aside.container`]: own('Pod=t-q-pod.pod\nStartWithPod=no\n'),
    [`${at}/t-q-unwanted.container`]: own(''),
    [`${at}/t-q-alone.volume`]: '[Volume]\n',
    [`${at}/t-q-masked.container`]: own(wanted),
    '/etc/systemd/system/t-q-masked.service': '-> /dev/null',
    [`${at}/t-q-template@.container`]: own(`${wanted}DefaultInstance=one\n`),
    [`${at}/t-q-build.build`]: '[Build]\nImageTag=localhost/b\nSetWorkingDirectory=unit\n',
    [`${at}/Containerfile`]: 'FROM localhost:1/base:1\n',
    [`${at}/t-q-built.container`]: `[Container]\nImage=t-q-build.build\n${wanted}`,
    [`${at}/t-q-kube.kube`]: `[Kube]\nYaml=k.yaml\n${wanted}`,
    [`${at}/k.yaml`]: 'kind: Pod\nspec: {containers: [{name: c, image: "localhost:1/k:1"}]}\n',
  };
}
