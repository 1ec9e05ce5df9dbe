import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { sizeOf } from '../../../image/resolved.ts';
import type { AtHand } from '../../fetch/at-hand.ts';
import { archiveOf, pathOfBlob } from '../../fetch/oci-archive.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { type DockerApi, parse } from '../api/api.ts';
import { failed, refused } from '../api/failure.ts';
import { progressLine } from '../api/replies.ts';

/** The annotation by which containerd's image store names an image of an archive. */
const NAME = 'io.containerd.image.name';

/**
 * Has docker load an image that is on this machine. No tag is touched. docker's own store does not know the
 * image by its digest afterwards; containerd's does.
 *
 * The archive has the files that both stores read, as `docker save` of docker 25 and later writes them.
 */
export async function loadImage(
  api: DockerApi,
  image: ResolvedImage,
  { blobs, from }: AtHand,
  { signal, onBytes }: FetchWatch,
): Promise<void> {
  const total = sizeOf(blobs);
  let sent = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    const files = { 'manifest.json': dockerManifest(image.blobs) };
    for await (const chunk of archiveOf(image, blobs, from, { nameAnnotation: NAME, files })) {
      yield chunk;
      sent += chunk.length;
      // The tar headers are no part of the image.
      onBytes?.(Math.min(sent, total));
    }
  };
  const call = { method: 'POST', path: '/images/load', query: { quiet: '1' } } as const;
  const reply = await api.upload({
    ...call,
    ...(signal === undefined ? {} : { signal }),
    content: counted(),
  });
  if (reply.status !== 200) throw refused(call, reply);
  for (const line of reply.body.toString().split('\n')) {
    const said = line.trim() === '' ? {} : parse(progressLine, line, call.path);
    // docker sent the status 200 before it knew of the failure.
    if (said.error !== undefined) throw failed(`it did not load ${image.name}: ${said.error}`);
  }
}

/** What docker's own store reads: moby, image/tarexport/load.go. It needs no layer that docker has. */
function dockerManifest([config, ...layers]: readonly Blob[]): string {
  const entry = {
    Config: config && pathOfBlob(config.digest),
    RepoTags: null,
    Layers: layers.map(({ digest }) => pathOfBlob(digest)),
  };
  return JSON.stringify([entry]);
}
