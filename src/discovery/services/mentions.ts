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

/** A word with a variable, which may name a program: `$DOCKER`. */
const variable = /\$\{?!?\w/;
const subcommand = /^(?:compose|create|kube|play|pod|pull|run)\b/;
/** The end of a word that names a program. */
const programs = /(?:podman|docker|nerdctl)["']?$/;
const anySubcommand = /^["']?\$/;

/**
 * Whether a text runs a program that a variable names (`$DOCKER run`), or one whose subcommand a variable names
 * (`podman "$@"`): it probably runs containers. Options may stand between the two words.
 */
export function startsUnknown(text: string): boolean {
  if (!/podman|docker|nerdctl/i.test(text)) return false;
  let isBehindVariable = false;
  let isBehindProgram = false;
  // Word by word: one pattern for the whole would read the options again for each word before them.
  for (const [word] of text.matchAll(/\S+/g)) {
    if (isBehindVariable && subcommand.test(word)) return true;
    if (isBehindProgram && anySubcommand.test(word)) return true;
    const isOption = word.startsWith('-') && word.length > 1;
    isBehindVariable = variable.test(word) || (isOption && isBehindVariable);
    isBehindProgram = programs.test(word) || (isOption && isBehindProgram);
  }
  return false;
}

/** Whether commands that can't be followed probably start containers. */
export function seemsToStart(text: string): boolean {
  return mentionsImages(text) || startsUnknown(text);
}
