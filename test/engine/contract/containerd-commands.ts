import { array, object, parse, string } from 'valibot';
import { ImageService } from '../../../src/engine/grpc/generated/cri/api_pb.ts';
import { openGrpc } from '../../../src/engine/grpc/transport.ts';
import { sha256 } from '../../../src/image/digest.ts';
import type { CtrRan } from '../../support/containerd.ts';
import type { Command, Targets } from './command.ts';

/**
 * The commands of ctr that remove images, names, leases, content or snapshots, or change what the garbage
 * collection takes. `NAME` means an image with one name, `NAME-OF-TWO` one with two, `DIGEST-NAME` the name
 * by digest that berth gives, `ID` the name that the CRI gives, `OTHER` an image that nothing holds, `LEASE`
 * what berth pins by.
 */
const rows = [
  'ctr images rm NAME',
  'ctr images rm --sync NAME',
  'ctr images rm NAME-OF-TWO',
  'ctr images rm --sync DIGEST-NAME',
  'ctr images rm --sync every name',
  'ctr images prune --all',
  'ctr images tag --force OTHER NAME',
  'ctr images label NAME io.cri-containerd.pinned=',
  'ctr images label every name io.cri-containerd.pinned=',
  'ctr leases rm LEASE',
  'ctr leases rm --sync LEASE',
  'ctr leases rm --sync LEASE, then ctr images rm --sync every name',
  'ctr content rm MANIFEST',
  'ctr content rm CONFIG',
  'ctr content prune references',
  'ctr snapshots rm TOP',
  'ctr snapshots rm TOP, then ctr content rm LAYER',
  'ctr content rm LAYER',
] as const;

const criRows = [
  'CRI RemoveImage NAME',
  'CRI RemoveImage ID',
  'CRI RemoveImage of what is not pinned',
];

interface Tools {
  /** Runs ctr in the namespace. */
  readonly ctr: (...words: string[]) => Promise<CtrRan>;
  readonly socket: string;
  readonly cri: boolean;
  readonly restart: () => Promise<void>;
  readonly reboot: () => Promise<void>;
}

export function containerdCommands(tools: Tools): readonly Command[] {
  const commands = rows.map((row): Command => {
    const run = async (targets: Targets) => {
      for (const line of row.split(', then ')) {
        if (!(await runLine(tools, line, targets))) return false;
      }
      return true;
    };
    return { row, run, prunes: /prune --all/.test(row) };
  });
  const cri = criRows.map(
    (row): Command => ({
      row,
      run: (targets) => askCri(tools, row, targets),
      prunes: /not pinned/.test(row),
    }),
  );
  const again = (row: string, work: () => Promise<void>): Command => ({
    row,
    run: async () => {
      await work();
      return true;
    },
  });
  return [
    ...commands,
    ...(tools.cri ? cri : []),
    again('containerd restarts', tools.restart),
    again('the machine boots', tools.reboot),
  ];
}

async function runLine({ ctr }: Tools, line: string, targets: Targets): Promise<boolean> {
  const names = await namesOf(ctr, targets.name);
  const parts = await partsOf(ctr, targets);
  const meanings: Readonly<Record<string, readonly string[]>> = {
    NAME: [targets.name],
    'NAME-OF-TWO': [targets.second],
    'DIGEST-NAME': names.filter((name) => name.includes('@')),
    ID: [targets.id],
    OTHER: [targets.otherName],
    LEASE: [targets.pin],
    ...parts,
  };
  const words = line.replace('every name', 'NAMES').split(' ').slice(1);
  // Labels are set on one name at a time.
  for (const own of words.includes('NAMES') ? names.map((name) => [name]) : [[]]) {
    const all = words.flatMap((word) => (word === 'NAMES' ? own : (meanings[word] ?? [word])));
    const { code, stdout, stderr } = await ctr(...all);
    if (/flag provided but not defined|No help topic/.test(`${stdout}${stderr}`)) return false;
    if (/^NAME:\n/m.test(stdout)) return false;
    // An earlier row may have removed it, and what is kept is not mended.
    const isGone = /snapshot \S+ does not exist/.test(stderr);
    if (code !== 0 && !isGone) throw new Error(`${line}: ${stderr}`);
  }
  return true;
}

type Ctr = Tools['ctr'];

/** Every name of the image that has a name. */
async function namesOf(ctr: Ctr, name: string): Promise<readonly string[]> {
  const images = await listed(ctr);
  const digest = images.find((image) => image.name === name)?.digest;
  return images.flatMap((image) => (image.digest === digest ? [image.name] : []));
}

/** The parts of an image of one manifest: its documents, its last layer, and its unpacked layers. */
async function partsOf(
  ctr: Ctr,
  { id, name: own }: Targets,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const manifest = (await listed(ctr)).find(({ name }) => name === own)?.digest;
  const digest = manifest ?? '';
  const { layers } = parse(Manifest, JSON.parse((await ctr('content', 'get', digest)).stdout));
  const { rootfs } = parse(Config, JSON.parse((await ctr('content', 'get', id)).stdout));
  const top = rootfs.diff_ids.reduce((below, diffId) => sha256(Buffer.from(`${below} ${diffId}`)));
  return { MANIFEST: [digest], CONFIG: [id], LAYER: [layers.at(-1)?.digest ?? ''], TOP: [top] };
}

const Manifest = object({ layers: array(object({ digest: string() })) });
const Config = object({ rootfs: object({ diff_ids: array(string()) }) });

async function listed(ctr: Ctr): Promise<readonly { name: string; digest: string }[]> {
  const { stdout } = await ctr('images', 'ls');
  return stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [name = '', , digest = ''] = line.split(/\s+/);
      return { name, digest };
    });
}

/** Asks as the kubelet does, or as `crictl rmi` and `crictl rmi --prune`. */
async function askCri({ socket }: Tools, row: string, targets: Targets): Promise<boolean> {
  const grpc = openGrpc({ name: 'containerd', socket });
  const remove = (image: string) =>
    grpc.unary(ImageService.method.removeImage, { image: { image } });
  try {
    if (row.endsWith(' NAME')) await remove(targets.name);
    else if (row.endsWith(' ID')) await remove(targets.id);
    else {
      const { images } = await grpc.unary(ImageService.method.listImages, {});
      for (const { id, pinned } of images) if (!pinned) await remove(id);
    }
    return true;
  } finally {
    grpc.close();
  }
}
