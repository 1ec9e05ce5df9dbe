import { endianness } from 'node:os';

/** An OCI platform (image-spec, image-index.md, `platform`). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** The platform of the images that this machine runs, in Go's names as images use them. */
export function hostPlatform(): Platform {
  // Node's own arm_version is the least that its build runs on, so images for it run here too.
  const build: object = process.config.variables;
  const version = 'arm_version' in build ? Number(build.arm_version) : 7;
  const variant = process.arch === 'arm' ? `/v${version}` : '';
  const names: Readonly<Record<string, string>> = {
    x64: 'amd64',
    ia32: '386',
    ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
    mipsel: 'mipsle',
  };
  const platform = parsePlatform(`linux/${names[process.arch] ?? process.arch}${variant}`);
  if (platform === undefined) throw new Error(`no platform for the architecture ${process.arch}`);
  return platform;
}

/** Reads `os/architecture[/variant]`; undefined if it is not that. */
export function parsePlatform(text: string): Platform | undefined {
  if (!/^[\w.-]{1,64}\/[\w.-]{1,64}(\/[\w.-]{1,64})?$/.test(text)) return undefined;
  const [os = '', architecture = '', variant] = text.split('/');
  return normalisePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

/** `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

/**
 * One spelling for one platform: Go's names in lower case, and no variant where it is the only
 * one (arm64/v8, amd64/v1). As github.com/containerd/platforms does, but `arm` alone stays open.
 */
export function normalisePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const alias = Object.hasOwn(ALIASES, given) ? ALIASES[given] : undefined;
  const architecture = alias?.architecture ?? given;
  const text = platform.variant?.toLowerCase();
  const variant = text === undefined || text === '' ? alias?.variant : text.replace(/^(?=\d)/, 'v');
  if (variant === undefined || variant === ONLY_VARIANT.get(architecture)) {
    return { os, architecture };
  }
  return { os, architecture, variant };
}

const ALIASES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  i386: { architecture: '386' },
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
};

const ONLY_VARIANT: ReadonlyMap<string, string> = new Map([
  ['arm64', 'v8'],
  ['amd64', 'v1'],
]);

/**
 * The entry of an index that serves a platform best, by the order of c/image's WantedPlatforms
 * (a lesser variant of arm runs on a greater one), so that berth chooses as podman does.
 *
 * An entry without a platform serves any, if nothing fits; attestations have `unknown/unknown`.
 */
export function choosePlatform<T extends { readonly platform?: Platform | undefined }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  const { os, architecture, variant = '' } = normalisePlatform(wanted);
  for (const accepted of acceptedVariants(architecture, variant)) {
    const found = entries.find(
      ({ platform }) =>
        platform?.os === os &&
        platform.architecture === architecture &&
        (platform.variant ?? '') === accepted,
    );
    if (found !== undefined) return found;
  }
  return entries.find(({ platform }) => platform === undefined);
}

function acceptedVariants(architecture: string, variant: string): readonly string[] {
  if (architecture === 'arm64' && variant === '') return ['v8', ''];
  const known = architecture === 'arm' ? ['v8', 'v7', 'v6', 'v5'] : [];
  if (variant === '') return ['', ...known];
  return known.includes(variant) ? [...known.slice(known.indexOf(variant)), ''] : [variant, ''];
}

/** What systemd calls an architecture, as the specifier `%a` gives it (systemd.unit(5)). */
export function systemdArchitecture({ architecture }: Platform): string {
  return SYSTEMD_NAMES.get(architecture) ?? architecture;
}

/** The other way: Go's name for what systemd calls an architecture. */
export function goArchitecture(systemd: string): string {
  for (const [go, name] of SYSTEMD_NAMES) if (name === systemd) return go;
  return systemd;
}

/** Where they differ; from systemd's src/basic/architecture.c. */
const SYSTEMD_NAMES: ReadonlyMap<string, string> = new Map([
  ['amd64', 'x86-64'],
  ['386', 'x86'],
  ['ppc64le', 'ppc64-le'],
  ['mipsle', 'mips-le'],
  ['mips64le', 'mips64-le'],
  ['loong64', 'loongarch64'],
]);
