import { foreignPrograms } from './foreign-programs.ts';

/** The programs that run containers, or fetch images for them, and that berth reads. */
const read = 'podman docker nerdctl ctr crictl skopeo buildah docker-compose podman-compose';
const names = [...read.split(' '), ...foreignPrograms].join('|');
/** A name in a path, an option or a string of another language counts as well. */
const mention = new RegExp(`(?:^|[-\\s/"'\`(;&|=@:+![,{])(?:${names})(?=["'\\s,;&|})]|$)`);
/** A subcommand that starts or fetches something, perhaps in a string or a list of another language. */
const starting =
  /[\s"'[,](?:apply|assemble|bake|build|bud|clone|compose|copy|create|deploy|enter|fetch|from|import|init|install|launch|load|mount|play|pull|restore|run|runlabel|runp|scp|sync|up)(?=["'\s;),]|$)/;

/** Libraries and modules of other languages that start containers without naming a program. */
const libraries =
  /\b(?:docker\.(?:from_env|DockerClient|APIClient)|PodmanClient|dockerode|(?:docker|podman)_(?:compose\w*|container|image|play|pod)\b)/;

/** Whether a text names a program that runs containers. */
export function mentionsPrograms(text: string): boolean {
  return mention.test(text) || libraries.test(text);
}

/** Whether a text that berth can't parse probably names an image. */
export function mentionsImages(text: string): boolean {
  if (libraries.test(text)) return true;
  const program = mention.exec(text);
  if (program === null) return false;
  const rest = text.slice(program.index + program[0].length);
  return starting.test(rest);
}

/** A command whose program a variable names: `$DOCKER run`. */
const variable = /\$\{?!?\w+\S*["']?\s+(?:-\S+\s+)*(?:compose|create|kube|play|pod|pull|run)\b/;
/** A program whose subcommand a variable names: `podman "$@"`. */
const anySubcommand = /(?:podman|docker|nerdctl)["']?\s+(?:-\S+\s+)*["']?\$/;

/** Whether a text runs a program that a variable names, which probably runs containers. */
export function startsUnknown(text: string): boolean {
  return /podman|docker|nerdctl/i.test(text) && (variable.test(text) || anySubcommand.test(text));
}

/** Whether commands that can't be followed probably start containers. */
export function seemsToStart(text: string): boolean {
  return mentionsImages(text) || startsUnknown(text);
}
