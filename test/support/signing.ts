import assert from 'node:assert/strict';
import { type KeyObject, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { BerthError } from '../../src/common/errors.ts';
import { sha256 } from '../../src/image/digest.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { openRegistry } from '../../src/registry/client.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { hostPolicyFiles } from '../../src/registry/policy/files.ts';
import type { RegistryRule } from '../../src/registry/registries-toml.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { type BuiltImage, buildImage } from './image-builder.ts';
import { pushBlob, pushImage, pushManifest } from './registry-push.ts';
import type { Skopeo } from './skopeo.ts';
import { temporaryDirectory } from './temporary.ts';
import { trixieProgram } from './trixie.ts';

/** A key that cosign signs with. */
export interface SigningKey {
  readonly publicPath: string;
  /** For `cosign sign --key`. */
  readonly cosignPath: string;
}

export interface FakeAttachment {
  readonly content: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly mediaType?: string;
}

const SIGNATURE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** What a signature of this manifest under this name says, as cosign writes it. */
export function payload(name: string, digest: string): Record<string, unknown> {
  return {
    critical: {
      identity: { 'docker-reference': name },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
}

/** A signature as sigstore makes one with the kind of the key. */
export function signatureOf(key: KeyObject, content: Buffer): string {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sign(algorithm, content, key).toString('base64');
}

export function signed(key: KeyObject, text: string): FakeAttachment {
  const content = Buffer.from(text);
  return { content, annotations: { [ANNOTATION]: signatureOf(key, content) } };
}

/** What is pushed beside an image, as cosign lays it out. */
export function attachmentsOf(attachments: readonly FakeAttachment[]): BuiltImage {
  const blobs = new Map<string, Buffer>();
  const descriptorOf = (content: Buffer) => {
    const digest = sha256(content);
    blobs.set(digest, content);
    return { digest, size: content.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      ...descriptorOf(Buffer.from('{}')),
    },
    layers: attachments.map(({ content, annotations, mediaType }) => ({
      mediaType: mediaType ?? SIGNATURE,
      ...descriptorOf(content),
      annotations,
    })),
  };
  const content = Buffer.from(JSON.stringify(manifest));
  const top = { mediaType: MANIFEST, digest: sha256(content), content };
  return { top, manifests: [top], blobs };
}

export const ANNOTATION = 'dev.cosignproject.cosign/signature';

/**
 * A registry, cosign to sign in it, and two that judge by the same files: berth and skopeo.
 */
export async function startSigning(t: TestContext) {
  const directory = temporaryDirectory(t);
  const path = (name: string) => join(directory, name);
  const config = path('home/.config/containers');
  mkdirSync(join(config, 'registries.d'), { recursive: true });
  mkdirSync(path('registry'));
  const host = await startDockerRegistry(t, path('registry'), { login: false });
  const trixie = trixieProgram('skopeo');
  const skopeo: Skopeo = async (words, env) => {
    const { code, stderr } = await trixie(words, env);
    return { ok: code === 0, stderr };
  };
  const cosign = trixieProgram('cosign');
  const environment = { HOME: path('home'), TMPDIR: directory, COSIGN_PASSWORD: '' };
  const policyPlaces = {
    userDirectory: config,
    localLookaside: path('lookaside'),
    programs: process.env['PATH'] ?? '',
  };
  let outputs = 0;

  const runCosign = async (...words: string[]) => {
    const { code, stderr } = await cosign(words, environment);
    assert.equal(code, 0, `cosign ${words.join(' ')}: ${stderr}`);
  };

  const attach = async (
    repository: string,
    digest: string,
    attachments: readonly FakeAttachment[],
  ) => {
    const { top, blobs } = attachmentsOf(attachments);
    for (const content of blobs.values()) await pushBlob(host, repository, content);
    await pushManifest(host, repository, `${digest.replace(':', '-')}.sig`, top);
  };

  return {
    host,
    directory,
    config,
    attach,
    cosign: runCosign,

    /** Lets cosign make a key for ECDSA, or take another: Debian's takes those for Ed25519. */
    async key(name: string, pem?: string): Promise<SigningKey> {
      if (pem === undefined) {
        await runCosign('generate-key-pair', '--output-key-prefix', path(name));
      } else {
        writeFileSync(path(`${name}.pem`), pem);
        const words = ['import-key-pair', '--key', path(`${name}.pem`)];
        await runCosign(...words, '--output-key-prefix', path(name));
      }
      return { publicPath: path(`${name}.pub`), cosignPath: path(`${name}.key`) };
    },

    /** Writes a file for the policy to name, and returns its path. */
    write(name: string, content: string | Buffer): string {
      writeFileSync(path(name), content);
      return path(name);
    },

    /** Pushes an image like no other as `REPOSITORY:1`. */
    async push(repository: string, platforms?: readonly string[]): Promise<BuiltImage> {
      outputs += 1;
      const layers = [{ bytes: 100, seed: outputs }];
      const image = buildImage({ layers, ...(platforms === undefined ? {} : { platforms }) });
      await pushImage(host, repository, '1', image);
      return image;
    },

    async sign(key: SigningKey, repository: string, digest: string, ...words: string[]) {
      await runCosign(
        'sign',
        '--yes',
        '--tlog-upload=false',
        '--allow-http-registry',
        '--key',
        key.cosignPath,
        ...words,
        `${host}/${repository}@${digest}`,
      );
    },

    writePolicy(policy: unknown): void {
      const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
      writeFileSync(join(config, 'policy.json'), text);
    },

    writeRegistriesD(text: string, name = 'test.yaml'): void {
      writeFileSync(join(config, 'registries.d', name), text);
    },

    /** What berth says against the image; undefined if it takes it. */
    async berth(
      name: string,
      rules: readonly Partial<RegistryRule>[] = [],
    ): Promise<BerthError | undefined> {
      const root = openRoot('/');
      const plain = { location: host, prefix: host, insecure: true, blocked: false, mirrors: [] };
      const registry = openRegistry({
        conf: { rules: [plain, ...rules.map((rule) => ({ ...plain, ...rule }))] },
        credentials: async () => undefined,
        policyFiles: hostPolicyFiles(root, policyPlaces),
      });
      try {
        const access = {};
        const image = await registry.resolve(name, hostPlatform(), access);
        await registry.permit(image, access);
        // It must be had as well, not only permitted.
        for (const digest of new Set([image.manifest, image.digest])) {
          await registry.manifest(name, digest, access);
        }
        for (const blob of image.blobs) {
          await registry.download(name, blob, access, { write: async () => undefined });
        }
        return undefined;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        return error;
      } finally {
        registry.close();
        root.close();
      }
    },

    /** What skopeo says against the image; undefined if it takes it. */
    async skopeo(
      name: string,
      registriesConf = '',
      run: Skopeo = skopeo,
    ): Promise<string | undefined> {
      outputs += 1;
      const output = path(`output-${outputs}`);
      const plain = `[[registry]]\nlocation = "${host}"\ninsecure = true\n`;
      writeFileSync(`${output}.conf`, `${plain}${registriesConf}`);
      const { ok, stderr } = await run(
        [
          `--registries-conf=${output}.conf`,
          `--tmpdir=${directory}`,
          'copy',
          '--quiet',
          // As `dir:` can’t hold those of sigstore.
          '--remove-signatures',
          `docker://${name}`,
          `dir:${output}`,
        ],
        environment,
      );
      return ok ? undefined : stderr.trim();
    },
  };
}

export type Signing = Awaited<ReturnType<typeof startSigning>>;

/** Sees berth and skopeo agree, and returns whether they take the image. */
export async function agree(signing: Signing, name: string, what: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all([signing.berth(name), signing.skopeo(name)]);
  assert.equal(
    ours === undefined,
    theirs === undefined,
    `${what}: berth ${ours?.message ?? 'takes it'}, skopeo ${theirs ?? 'takes it'}`,
  );
  return ours === undefined;
}
