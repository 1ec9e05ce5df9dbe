import type { EngineSettings } from '../../containers-conf.ts';
import type { Fault } from '../../problem.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { Option } from '../split-options.ts';
import type { Word } from '../words.ts';
import { mountedSources } from './mounted-image.ts';

/** The images that a command names, and the fault if the command lacks an image. */
export interface NamedImages {
  readonly words: readonly Word[];
  readonly fault?: Fault;
}

/**
 * The images that the words and options of a command name, and the infra image of containers.conf if
 * the command makes a pod.
 *
 * @param conf the settings of containers.conf for this command.
 */
export function namedImages(command: ContainerCommand, conf: EngineSettings): NamedImages {
  const { kind, options, rest } = command;
  switch (kind) {
    case 'pull':
    case 'use':
      return { words: rest };
    case 'play':
      return { words: infraImages(command, conf) };
    case 'pod':
      return { words: infraImages(command, conf, valuesOf('infra-image', options).at(-1)) };
    case 'volume':
      return { words: volumeImages(options) };
    case 'run':
    case 'runlabel':
      return containerImages(command, conf);
    default:
      return { words: [] };
  }
}

/** The images of a command that makes a container. */
function containerImages(command: ContainerCommand, conf: EngineSettings): NamedImages {
  const { kind, options, rest } = command;
  const mounted = mountedSources(options, 'image');
  const image = rest[kind === 'runlabel' ? 1 : 0];
  if (isWithoutImage(command, image)) return { words: mounted };
  // `--pod new:NAME` makes a pod for the container.
  const isInNewPod = valuesOf('pod', options).some(({ text }) => text.startsWith('new:'));
  const infra = isInNewPod ? infraImages(command, conf) : [];
  return image === undefined
    ? { words: [...mounted, ...infra], fault: noImage }
    : { words: [...mounted, image, ...infra] };
}

function isWithoutImage({ program, options }: ContainerCommand, image: Word | undefined): boolean {
  if (program === 'buildah' && image?.text === 'scratch') return true;
  return options.some(({ name, value }) => name === 'rootfs' && value?.text !== 'false');
}

/** The image of `podman volume create --driver image --opt image=…`. */
function volumeImages(options: readonly Option[]): readonly Word[] {
  if (valuesOf('driver', options).at(-1)?.text !== 'image') return [];
  return valuesOf('opt', options).flatMap((word) =>
    word.text.startsWith('image=') ? [{ ...word, text: word.text.slice('image='.length) }] : [],
  );
}

/** The infra image of a new pod: the given one, else that of containers.conf. */
function infraImages(
  { program, options }: ContainerCommand,
  { infraImage }: EngineSettings,
  given?: Word,
): readonly Word[] {
  const isWithout = options.findLast(({ name }) => name === 'infra')?.value?.text === 'false';
  if (isWithout || program !== 'podman') return [];
  if (given !== undefined) return [given];
  const text = infraImage?.value ?? '';
  return text === '' ? [] : [{ text, raw: text }];
}

function valuesOf(name: string, options: readonly Option[]): readonly Word[] {
  return options.flatMap((option) => (option.name === name && option.value ? [option.value] : []));
}

const noImage: Fault = {
  code: 'command-line',
  message: 'expected an image behind the options, found the end of the command line',
  hint: 'write the image, or correct the options before it',
};
